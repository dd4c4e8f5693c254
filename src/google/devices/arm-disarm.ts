/**
 * Arming and disarming: levels, the exit delay, and a `cancel` that never arms. Google's page on the trait ArmDisarm, and
 * its security system guide. Whether something is open stands in the status report.
 */
import type { DeviceSettings } from '../device-settings';
import type { States } from '../types';
import { isWholeNumber, type Command, type Trait } from './trait';

/** Names under which the moments are kept between which there is time to leave. */
export const EXIT_DELAY = ['exitBegan', 'exitEnds'];

type ArmDisarmOptions = Pick<DeviceSettings, 'levels' | 'levelsOrdered' | 'defaultLevel'>;

export function armDisarm({ levels, levelsOrdered, defaultLevel }: ArmDisarmOptions): Trait {
  const names = levels.map((level) => level.level_name);
  const isLevel = (value: unknown): value is string => typeof value === 'string' && names.includes(value);
  /** Google wants a level always, also of a panel that is disarmed; without one it cannot be controlled any more. */
  const levelOf = ({ currentArmLevel }: Readonly<States>): string | undefined =>
    isLevel(currentArmLevel) ? currentArmLevel : (defaultLevel ?? names[0]);

  return {
    commands: ['ArmDisarm'],
    states: ['isArmed', 'currentArmLevel', 'exitAllowance'],
    hidden: EXIT_DELAY,
    attributes: names.length === 0 ? {} : { availableArmLevels: { levels, ordered: levelsOrdered } },
    understand: (name, params) => {
      const { arm, armLevel, cancel } = params;
      if (cancel !== undefined && typeof cancel !== 'boolean') return { why: 'cancel must be true or false' };
      // The schema has either a level or a cancel. Both at once may be meant to arm what is said to be cancelled.
      if (cancel !== undefined && armLevel !== undefined) return { why: 'armLevel and cancel exclude each other' };
      if (armLevel !== undefined && typeof armLevel !== 'string') return { why: 'armLevel must be a text' };
      if (cancel !== true && typeof arm !== 'boolean') return { why: 'arm must be true or false' };
      const rest = { name, params, followUpTrait: 'ArmDisarm' };
      if (cancel === true || arm === false) {
        return { ...rest, action: cancel === true ? 'cancel' : 'disarm', releases: true, failure: 'disarmFailure' };
      }
      const command: Command = { ...rest, action: 'arm', releases: false, failure: 'armFailure' };
      if (armLevel !== undefined) return isLevel(armLevel) ? command : { ...command, refused: 'notSupported' };
      if (names.length === 0) return command;
      if (defaultLevel === undefined) return { ...command, refused: 'armLevelNeeded' };
      return { ...command, params: { ...params, armLevel: defaultLevel } };
    },
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
      const isArmed = typeof saidArmed === 'boolean' ? saidArmed : (wanted ?? kept.isArmed ?? false);
      const level = isLevel(saidLevel) ? saidLevel : isArmed && wanted && isLevel(armLevel) ? armLevel : levelOf(kept);
      return {
        isArmed,
        ...(level === undefined ? {} : { currentArmLevel: level }),
        // Kept as the moment when it ends, so that a query in between is answered with what is left of it.
        ...(isArmed && isWholeNumber(exitAllowance) ? { exitBegan: now, exitEnds: now + exitAllowance * 1000 } : {}),
      };
    },
    shown: (kept, now) => {
      const { isArmed = false } = kept;
      const [level, left] = [levelOf(kept), secondsLeft(kept, now)];
      return {
        isArmed,
        ...(level === undefined ? {} : { currentArmLevel: level }),
        ...(left > 0 ? { exitAllowance: left } : {}),
      };
    },
  };
}

function secondsLeft({ exitBegan = 0, exitEnds }: Readonly<States>, now: number): number {
  // It is before the beginning only when the clock was set back, and then what is left is not known.
  const known = typeof exitEnds === 'number' && typeof exitBegan === 'number' && now >= exitBegan;
  return known ? Math.ceil((exitEnds - now) / 1000) : 0;
}
