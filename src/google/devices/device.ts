/**
 * A device that Google knows: its traits put together, its entry in the device list, and the one place where what a flow
 * says becomes what the device is. Pure; states are kept by `device-states.ts`.
 */
import { invalidInput } from '../../common/errors';
import { isRecord, pickFields } from '../../common/json';
import { TRAIT_PREFIX, TYPE_PREFIX, type DeviceSettings } from '../device-settings';
import { isGoogleCode } from '../error-codes';
import type { JsonObject, States } from '../types';
import { armDisarm, EXIT_DELAY } from './arm-disarm';
import { energyStorage, isBatteryLow, LOCK_UNLOCK } from './lock';
import { OWNED_COMMANDS, plainCommand, plainTrait } from './plain';
import { isResult, NOTIFYING_TRAITS, publishedStates } from './published';
import { statusReport } from './status-report';
import type { Change, Command, NotUnderstood, Trait } from './trait';

const COMMAND_PREFIX = 'action.devices.commands.';

export class Device {
  /** Google's names of its traits, without their prefix. */
  readonly traitNames: readonly string[];
  private readonly traits: readonly Trait[];
  /** What a flow may say of it, besides what only `openEnded` devices pass through. */
  private readonly owned: ReadonlySet<string>;
  /** It has a trait of which Google publishes no states, so any name may be one. */
  private readonly openEnded: boolean;
  /** What was shown last: Google asks far more often than anything changes. */
  private last: { kept: Readonly<States>; shown: Readonly<States> } | undefined;

  constructor(readonly settings: DeviceSettings) {
    this.traitNames = traitNamesOf(settings);
    this.traits = this.traitNames.flatMap((name) => traitOf(name, settings) ?? []);
    this.openEnded = this.traitNames.some((name) => publishedStates(name) === undefined);
    this.owned = new Set(['online', 'exceptionCode', ...this.traits.flatMap(keptBy)]);
  }

  get id(): string {
    return this.settings.id;
  }

  has(trait: string): boolean {
    return this.traitNames.includes(trait);
  }

  /** The device's entry in the answer to SYNC. @param reports whether its states are reported to Home Graph */
  describe(reports: boolean): JsonObject {
    const { settings, traitNames } = this;
    const attributes: JsonObject = {};
    for (const trait of this.traits) Object.assign(attributes, trait.attributes);
    if (settings.deviceType === 'CUSTOM') Object.assign(attributes, settings.customAttributes);
    return {
      id: settings.id,
      type: settings.type,
      traits: traitNames.map((name) => TRAIT_PREFIX + name),
      name: {
        name: settings.name,
        ...(settings.nicknames.length === 0 ? {} : { nicknames: settings.nicknames }),
      },
      // A scene has no states (Google's page on the type).
      willReportState: reports && settings.type !== `${TYPE_PREFIX}SCENE`,
      ...(traitNames.some((name) => NOTIFYING_TRAITS.has(name)) ? { notificationSupportedByAgent: true } : {}),
      ...(settings.roomHint === '' ? {} : { roomHint: settings.roomHint }),
      attributes,
    };
  }

  /** @param name Google's full name of the command */
  understand(name: unknown, params: unknown): Command | NotUnderstood {
    if (typeof name !== 'string') return { why: 'an execution has no command' };
    const short = name.startsWith(COMMAND_PREFIX) ? name.slice(COMMAND_PREFIX.length) : '';
    const owner = this.traits.find((trait) => trait.commands?.includes(short));
    const passedThrough = this.settings.deviceType === 'CUSTOM' && short !== '' && !OWNED_COMMANDS.has(short);
    if (owner === undefined && !passedThrough) return { why: `${name.slice(0, 100)} is no command of this device` };
    if (params !== undefined && params !== null && !isRecord(params)) return { why: 'params must be an object' };
    const given = (params ?? {}) as JsonObject;
    return owner?.understand?.(short, given) ?? plainCommand(this.settings.type.replace(TYPE_PREFIX, ''), short, given);
  }

  /** Those of a flow's values that are states of this device, as Google publishes them. */
  statesIn(values: Readonly<States>): States {
    return pickFields(values, (name, value) => this.isState(name) && (value !== null || name === 'isLocked'));
  }

  /** @throws CodedError `INVALID_INPUT` where what a flow said cannot be so */
  check(said: Readonly<States>): void {
    const { online = true } = said;
    if (typeof online !== 'boolean') throw invalidInput('online must be true or false');
    for (const trait of this.traits) {
      for (const state of trait.states) {
        const fault = state in said ? trait.fault?.(state, said[state]) : undefined;
        if (fault !== undefined) throw invalidInput(fault);
      }
    }
  }

  /** What the device is from now on. `kept` and the result are for keeping; show them through `shown`. */
  next(kept: Readonly<States>, change: Change): States {
    const { online = true, exceptionCode } = change.said;
    const next: States = { online };
    if (typeof exceptionCode === 'string' && isGoogleCode(exceptionCode)) next.exceptionCode = exceptionCode;
    for (const trait of this.traits) {
      const mine = pick(kept, keptBy(trait));
      const said = pick(change.said, trait.states);
      const command = change.command && concerns(trait, change.command) ? change.command : undefined;
      const touched = command !== undefined || Object.keys(said).length > 0;
      Object.assign(next, touched ? trait.next(mine, { ...change, said, command }) : mine);
    }
    if (!this.openEnded) return next;
    const others = { ...kept, ...change.said };
    return { ...pickFields(others, (name) => !this.owned.has(name) && this.isState(name)), ...next };
  }

  /** Whether states that were kept hold nothing that this device may not have: a trait may have been taken away since. */
  clean(kept: Readonly<States>): Readonly<States> {
    const clean = pickFields(kept, (name) => this.isState(name) || EXIT_DELAY.includes(name));
    return Object.keys(clean).length === Object.keys(kept).length ? kept : clean;
  }

  /** All states of every trait, and `online`: what Home Graph gets. The same object until they change. */
  shown(kept: Readonly<States>, now: number): Readonly<States> {
    if (this.last?.kept === kept) return this.last.shown;
    const shown = this.show(kept, now, () => true);
    // An exit delay shows another number every second.
    this.last = EXIT_DELAY.some((name) => name in kept) ? undefined : { kept, shown };
    return shown;
  }

  /**
   * The states for the answer to a command: all of each trait that was commanded or reported, and no fragment of another,
   * because what Google gets of a trait is the whole of it to Google; and the command's results.
   */
  answered(kept: Readonly<States>, now: number, command: Command, said: Readonly<States>, results: States): States {
    const shown = this.show(kept, now, (trait) => gives(trait, command) || trait.states.some((name) => name in said));
    const rest = this.openEnded ? pickFields(shown, (name) => this.owned.has(name) || name in said) : shown;
    return Object.assign(rest, results, this.exception(kept));
  }

  /** What is wrong with the device although it works: what the flow said, or a lock's low battery. */
  exception(kept: Readonly<States>): { exceptionCode?: string } {
    const { exceptionCode } = kept;
    if (typeof exceptionCode === 'string') return { exceptionCode };
    return this.has('LockUnlock') && this.has('EnergyStorage') && isBatteryLow(kept)
      ? { exceptionCode: 'lowBattery' }
      : {};
  }

  /**
   * What the user is shown with a question: the states that the flow said and no other, as Google knows them. None of it is
   * kept. A name that no trait has goes as it is, for the guide's own `targetArmLevel` is one.
   */
  preview(said: Readonly<States>, command: Command, now: number): States {
    const owned = new Set(this.traits.flatMap((trait) => trait.states));
    const shown = pickFields(said, (name, value) => !owned.has(name) && value !== null && !isResult(name));
    for (const trait of this.traits) {
      const mine = pick(said, trait.states);
      const next = trait.next({}, { said: mine, command, stopped: false, now });
      Object.assign(shown, pick(trait.shown?.(next, now) ?? next, Object.keys(mine)));
    }
    return shown;
  }

  private show(kept: Readonly<States>, now: number, wanted: (trait: Trait) => boolean): States {
    const { online = true, isLocked } = kept;
    // A lock in no known state is offline until it is in one.
    const states: States = { online: online !== false && !(isLocked === null && this.has('LockUnlock')) };
    for (const trait of this.traits) {
      if (!wanted(trait)) continue;
      const mine = pick(kept, keptBy(trait));
      Object.assign(states, trait.shown?.(mine, now) ?? mine);
    }
    if (!this.openEnded) return states;
    return { ...states, ...pickFields(kept, (name) => !this.owned.has(name) && this.isState(name)) };
  }

  private isState(name: string): boolean {
    return this.owned.has(name) || (this.openEnded && name !== 'followUpToken' && !isResult(name));
  }
}

function traitNamesOf({ deviceType: kind, battery, customTraits }: DeviceSettings): readonly string[] {
  if (kind === 'CUSTOM') return customTraits;
  if (kind === 'LOCK') return battery ? ['LockUnlock', 'EnergyStorage'] : ['LockUnlock'];
  return ['StatusReport', 'ArmDisarm'];
}

/** Undefined for a trait of which Google publishes no states. */
function traitOf(name: string, settings: DeviceSettings): Trait | undefined {
  switch (name) {
    case 'ArmDisarm':
      return armDisarm(settings);
    case 'EnergyStorage':
      return energyStorage(settings.deviceType === 'CUSTOM' ? settings.customAttributes : undefined);
    case 'LockUnlock':
      return LOCK_UNLOCK;
    case 'StatusReport':
      return statusReport(settings.id);
    default:
      return plainTrait(name);
  }
}

/** What a trait keeps of its device. */
function keptBy({ states, hidden = [] }: Trait): readonly string[] {
  return hidden.length === 0 ? states : [...states, ...hidden];
}

function concerns({ commands }: Trait, { name }: Command): boolean {
  return commands?.includes(name) ?? !OWNED_COMMANDS.has(name);
}

/** Whether a command says what the trait's states shall be. */
function gives(trait: Trait, command: Command): boolean {
  const change = { said: {}, command, stopped: false, now: 0 };
  return concerns(trait, command) && Object.keys(trait.next({}, change)).length > 0;
}

function pick(states: Readonly<States>, names: readonly string[]): States {
  const picked: States = {};
  for (const name of names) {
    const state = Object.hasOwn(states, name) ? states[name] : undefined;
    if (state !== undefined) picked[name] = state;
  }
  return picked;
}
