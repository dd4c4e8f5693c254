/**
 * Arming and disarming: levels, the exit delay, and a `cancel` that never arms. Google's page on the trait ArmDisarm, and
 * its security system guide. Whether something is open stands in the status report.
 */
import type { ArmLevel, DeviceSettings } from '../device-settings';
import type { JsonObject, States } from '../types';
import { isWholeNumber, trait, type Action, type Command, type NotUnderstood, type Trait } from './trait';

/** Names under which the moments are kept between which there is time to leave. */
export const EXIT_DELAY = ['exitBegan', 'exitEnds'];

type ArmDisarmOptions = Pick<DeviceSettings, 'levels' | 'levelsOrdered' | 'defaultLevel'>;
type IsLevel = (value: unknown) => value is string;

export function armDisarm(options: ArmDisarmOptions): Trait {
  const names = options.levels.map((level) => level.level_name);
  const isLevel = (value: unknown): value is string => typeof value === 'string' && names.includes(value);

  /** Google wants a level always, also of a panel that is disarmed; without one it cannot be controlled any more. */
  const levelOf = (kept: Readonly<States>): string | undefined => {
    const { currentArmLevel } = kept;
    return isLevel(currentArmLevel) ? currentArmLevel : (options.defaultLevel ?? names[0]);
  };

  const states = ['isArmed', 'currentArmLevel', 'exitAllowance'];
  return trait({
    name: 'ArmDisarm',
    commands: ['ArmDisarm'],
    states,
    kept: [...states, ...EXIT_DELAY],
    attributes:
      names.length === 0
        ? {}
        : { availableArmLevels: { levels: toJson(options.levels), ordered: options.levelsOrdered } },
    understand: (name, params) => understand(name, params, options, isLevel),
    fault: (state, value) => {
      if (state === 'isArmed' && typeof value !== 'boolean') return 'isArmed must be true or false';
      if (state === 'exitAllowance' && !isWholeNumber(value)) return 'exitAllowance must be whole seconds';
      // Panels have words of their own for the level ("disarmed"); what is none of the levels falls back to one that is.
      return undefined;
    },
    next: (kept, { said, command, stopped, now }) => {
      const action = stopped ? undefined : command?.action;
      const { isArmed: saidArmed, currentArmLevel: saidLevel, exitAllowance } = said;
      const { armLevel } = command?.params ?? {};
      const wanted = action === undefined ? undefined : action === 'arm';
      const { isArmed: wasArmed = false } = kept;
      const isArmed = typeof saidArmed === 'boolean' ? saidArmed : (wanted ?? wasArmed);
      const level = isLevel(saidLevel) ? saidLevel : isArmed && wanted && isLevel(armLevel) ? armLevel : levelOf(kept);
      return {
        isArmed,
        ...(level === undefined ? {} : { currentArmLevel: level }),
        // Kept as the moment when it ends, so that a query in between is answered with what is left of it.
        ...(isArmed && isWholeNumber(exitAllowance) ? { exitBegan: now, exitEnds: now + exitAllowance * 1000 } : {}),
      };
    },
    shown: (kept, now) => {
      const { isArmed = false, exitBegan = 0, exitEnds } = kept;
      const level = levelOf(kept);
      // It is before the beginning only when the clock was set back, and then what is left is not known.
      const known = typeof exitEnds === 'number' && typeof exitBegan === 'number' && now >= exitBegan;
      const left = known ? Math.ceil((exitEnds - now) / 1000) : 0;
      return {
        isArmed,
        ...(level === undefined ? {} : { currentArmLevel: level }),
        ...(left > 0 ? { exitAllowance: left } : {}),
      };
    },
  });
}

function understand(
  name: string,
  params: JsonObject,
  options: ArmDisarmOptions,
  isLevel: IsLevel,
): Command | NotUnderstood {
  const { arm, armLevel, cancel } = params;
  if (cancel !== undefined && typeof cancel !== 'boolean') return { why: 'cancel must be true or false' };
  // The schema has either a level or a cancel. Both at once may be meant to arm what is said to be cancelled.
  if (cancel !== undefined && armLevel !== undefined) return { why: 'armLevel and cancel exclude each other' };
  if (armLevel !== undefined && typeof armLevel !== 'string') return { why: 'armLevel must be a text' };
  const command = (action: Action, more: Partial<Command> = {}): Command => ({
    name,
    params,
    action,
    releases: action !== 'arm',
    followUpTrait: 'ArmDisarm',
    failure: action === 'arm' ? 'armFailure' : 'disarmFailure',
    ...more,
  });
  if (cancel === true) return command('cancel');
  if (typeof arm !== 'boolean') return { why: 'arm must be true or false' };
  if (!arm) return command('disarm');
  if (armLevel !== undefined) return command('arm', isLevel(armLevel) ? {} : { refused: 'notSupported' });
  if (options.levels.length === 0) return command('arm');
  if (options.defaultLevel === undefined) return command('arm', { refused: 'armLevelNeeded' });
  return command('arm', { params: { ...params, armLevel: options.defaultLevel } });
}

function toJson(levels: readonly ArmLevel[]): JsonObject[] {
  return levels.map((level) => ({
    level_name: level.level_name,
    level_values: level.level_values.map((value) => ({ level_synonym: [...value.level_synonym], lang: value.lang })),
  }));
}
