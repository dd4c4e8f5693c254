/**
 * Arming and disarming: levels, the exit delay, and a `cancel` that never arms. Google's page on the trait ArmDisarm, and
 * its security system guide. Whether something is open is the status report's business.
 */
import { isWholeNumber, type JsonObject } from '../json';
import type { ArmLevel } from '../settings';
import type { States } from '../types';
import { mustBeBoolean, type Action, type Command, type Happening, type Trait, type Understood } from './trait';

export interface ArmDisarmOptions {
  levels: readonly ArmLevel[];
  ordered: boolean;
  defaultLevel: string | undefined;
}

export function armDisarm(options: ArmDisarmOptions): Trait {
  const names = options.levels.map((level) => level.level_name);
  const isLevel = (value: unknown): value is string => typeof value === 'string' && names.includes(value);

  const understand = (name: string, params: JsonObject): Understood => {
    const { arm, armLevel, cancel } = params;
    if (cancel !== undefined && typeof cancel !== 'boolean') return { malformed: 'cancel must be true or false' };
    // The schema has either a level or a cancel. Whoever sends both may be after an alarm that does not do what is said.
    if (cancel !== undefined && armLevel !== undefined) return { malformed: 'armLevel and cancel exclude each other' };
    if (armLevel !== undefined && typeof armLevel !== 'string') return { malformed: 'armLevel must be a text' };
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
    if (typeof arm !== 'boolean') return { malformed: 'arm must be true or false' };
    if (!arm) return command('disarm');
    if (armLevel !== undefined) return command('arm', isLevel(armLevel) ? {} : { refused: 'notSupported' });
    if (names.length === 0) return command('arm');
    if (options.defaultLevel === undefined) return command('arm', { refused: 'armLevelNeeded' });
    return command('arm', { params: { ...params, armLevel: options.defaultLevel } });
  };

  /** Google wants a level always, also of a panel that is disarmed; without one it cannot be controlled any more. */
  const levelOf = (kept: Readonly<States>): string | undefined => {
    const { currentArmLevel } = kept;
    return isLevel(currentArmLevel) ? currentArmLevel : (options.defaultLevel ?? names[0]);
  };

  return {
    name: 'ArmDisarm',
    commands: ['ArmDisarm'],
    words: ['isArmed', 'currentArmLevel', 'exitAllowance'],
    attributes:
      names.length === 0 ? {} : { availableArmLevels: { levels: toJson(options.levels), ordered: options.ordered } },
    understand,
    fault: (word, value) => {
      if (word === 'isArmed') return mustBeBoolean(word, value);
      if (word === 'exitAllowance') return isWholeNumber(value) ? undefined : 'exitAllowance must be whole seconds';
      // Panels have words of their own for the level ("disarmed"); what is none of the levels falls back to one that is.
      return undefined;
    },
    next: (kept, { said, command, stopped, now }: Happening) => {
      const action = stopped ? undefined : command?.action;
      const { isArmed: saidArmed, currentArmLevel: saidLevel, exitAllowance } = said;
      const { armLevel } = command?.params ?? {};
      const asked = action === undefined ? undefined : action === 'arm';
      const { isArmed: wasArmed = false } = kept;
      const isArmed = typeof saidArmed === 'boolean' ? saidArmed : (asked ?? wasArmed);
      const level = isLevel(saidLevel) ? saidLevel : isArmed && asked && isLevel(armLevel) ? armLevel : levelOf(kept);
      return {
        isArmed,
        ...(level === undefined ? {} : { currentArmLevel: level }),
        // Kept as the moment when it ends, so that a query in between hears what is left of it.
        ...(isArmed && isWholeNumber(exitAllowance) ? { exitBegan: now, exitEnds: now + exitAllowance * 1000 } : {}),
      };
    },
    shown: (kept, now) => {
      const { isArmed = false, exitBegan = 0, exitEnds } = kept;
      const level = levelOf(kept);
      // Before it began only a clock is that was set back, and by that clock nobody knows what is left.
      const known = typeof exitEnds === 'number' && typeof exitBegan === 'number' && now >= exitBegan;
      const left = known ? Math.ceil((exitEnds - now) / 1000) : 0;
      return {
        isArmed,
        ...(level === undefined ? {} : { currentArmLevel: level }),
        ...(left > 0 ? { exitAllowance: left } : {}),
      };
    },
  };
}

function toJson(levels: readonly ArmLevel[]): JsonObject[] {
  return levels.map((level) => ({
    level_name: level.level_name,
    level_values: level.level_values.map((value) => ({ level_synonym: [...value.level_synonym], lang: value.lang })),
  }));
}
