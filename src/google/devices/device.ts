/**
 * A device that Google knows: its traits put together, its entry in the device list, and the one place where what a flow
 * says becomes what the device is. Pure; where states are kept is told by `states.ts`.
 */
import { isObject, type JsonObject } from '../json';
import { TRAIT_PREFIX, TYPE_PREFIX, type DeviceSettings } from '../settings';
import type { States } from '../types';
import { armDisarm } from './arm-disarm';
import { anyTrait, FOLLOWED_UP } from './custom';
import { energyStorage } from './energy-storage';
import { lockUnlock } from './lock-unlock';
import { statusReport } from './status-report';
import type { Command, Happening, Trait } from './trait';

const COMMAND_PREFIX = 'action.devices.commands.';

/** Why a device does not take a command. Neither tells anything about its state. */
export interface Refusal {
  refusal: 'functionNotSupported' | 'protocolError';
  why: string;
}

export class Device {
  private readonly traits: readonly Trait[];
  /** Takes what no other trait owns; undefined for devices that pass nothing through. */
  private readonly rest: Omit<Trait, 'words'> | undefined;
  /** The words that are not left to `rest`. */
  private readonly owned: ReadonlySet<string>;
  /** What was shown last: Google asks far more often than anything changes. */
  private last: { kept: Readonly<States>; shown: Readonly<States> } | undefined;

  constructor(readonly settings: DeviceSettings) {
    this.traits = traitsOf(settings);
    this.owned = new Set(['online', ...KEPT_WORDS, ...this.traits.flatMap((trait) => trait.words)]);
    this.rest =
      settings.kind === 'CUSTOM'
        ? anyTrait({
            type: settings.type.replace(TYPE_PREFIX, ''),
            pinSet: settings.pin !== '',
            attributes: settings.customAttributes,
          })
        : undefined;
  }

  get id(): string {
    return this.settings.id;
  }

  has(trait: string): boolean {
    return this.traits.some((candidate) => candidate.name === trait);
  }

  /** The device's entry in the answer to SYNC. */
  describe(): JsonObject {
    const { settings } = this;
    const names = this.rest === undefined ? this.traits.map((trait) => trait.name) : settings.customTraits;
    const attributes: JsonObject = {};
    for (const trait of this.traits) Object.assign(attributes, trait.attributes);
    Object.assign(attributes, this.rest?.attributes);
    return {
      id: settings.id,
      type: settings.type,
      traits: names.map((name) => TRAIT_PREFIX + name),
      name: {
        name: settings.name,
        ...(settings.nicknames.length === 0 ? {} : { nicknames: settings.nicknames }),
      },
      willReportState: true,
      // Without it Google takes no follow-up of a command that ended late.
      ...(names.some((name) => FOLLOWED_UP_TRAITS.has(name)) ? { notificationSupportedByAgent: true } : {}),
      ...(settings.roomHint === '' ? {} : { roomHint: settings.roomHint }),
      attributes,
    };
  }

  /** @param name Google's full name of the command */
  understand(name: string, params: unknown): Command | Refusal {
    const short = name.startsWith(COMMAND_PREFIX) ? name.slice(COMMAND_PREFIX.length) : '';
    const owner = this.traits.find((trait) => trait.commands.includes(short));
    const foreign = OWNED_COMMANDS.has(short) && owner === undefined;
    const taker = owner ?? (foreign || short === '' ? undefined : this.rest);
    const unsupported: Refusal = { refusal: 'functionNotSupported', why: `${name} is no command of this device` };
    if (taker === undefined) return unsupported;
    if (params !== undefined && params !== null && !isObject(params)) {
      return { refusal: 'protocolError', why: 'params must be an object' };
    }
    const understood = taker.understand(short, isObject(params) ? params : {});
    if (understood === undefined) return unsupported;
    return 'malformed' in understood ? { refusal: 'protocolError', why: understood.malformed } : understood;
  }

  /** Why what a flow said cannot be so, or undefined. */
  fault(said: Readonly<States>): string | undefined {
    const { online = true } = said;
    if (typeof online !== 'boolean') return 'online must be true or false';
    for (const trait of this.traits) {
      for (const word of trait.words) {
        const fault = word in said ? trait.fault(word, said[word]) : undefined;
        if (fault !== undefined) return fault;
      }
    }
    return undefined;
  }

  /** What the device is from now on. `kept` and the result are for keeping; show them through `shown`. */
  next(kept: Readonly<States>, happening: Happening): States {
    const { online = true } = happening.said;
    const next: States = { online };
    const { owned } = this;
    for (const trait of this.traits) {
      const mine = this.ownStates(trait, kept);
      const said = pick(happening.said, trait.words);
      const concerned = Object.keys(said).length > 0 || this.commanded(trait, happening.command);
      Object.assign(next, concerned ? trait.next(mine, { ...happening, said }) : mine);
    }
    if (this.rest !== undefined) {
      Object.assign(next, this.rest.next(omit(kept, owned), { ...happening, said: omit(happening.said, owned) }));
    }
    return next;
  }

  /** All states of every trait, and `online`: what QUERY answers and Home Graph is told. The same object until they change. */
  shown(kept: Readonly<States>, now: number): Readonly<States> {
    if (this.last?.kept === kept) return this.last.shown;
    const shown = this.show(kept, now, () => true);
    // An exit delay shows another number every second.
    this.last = KEPT_WORDS.some((word) => word in kept) ? undefined : { kept, shown };
    return shown;
  }

  /**
   * The states for the answer to commands: all of each trait that was commanded or spoken of, and no fragment of another,
   * because Google takes what it hears of a trait for the whole of it.
   */
  shownFor(kept: Readonly<States>, now: number, commands: readonly Command[], said: Readonly<States>): States {
    return this.show(
      kept,
      now,
      (trait) =>
        commands.some((command) => this.commanded(trait, command)) ||
        trait.words.some((word) => Object.hasOwn(said, word)),
    );
  }

  /**
   * What the user is shown with a question: the words that the flow said and no other, as Google takes them. Nothing of
   * it is kept. What no trait knows goes as it is, for the guide's own `targetArmLevel` is such a word.
   */
  preview(said: Readonly<States>, command: Command, now: number): States {
    const shown = omit(said, new Set(this.traits.flatMap((trait) => trait.words)));
    for (const trait of this.traits) {
      const mine = pick(said, trait.words);
      const next = trait.next({}, { said: mine, command, stopped: false, now });
      Object.assign(shown, pick(trait.shown(next, now), Object.keys(mine)));
    }
    return shown;
  }

  private show(kept: Readonly<States>, now: number, wanted: (trait: Trait) => boolean): States {
    const { online = true } = kept;
    const states: States = { online };
    for (const trait of this.traits) {
      if (wanted(trait)) Object.assign(states, trait.shown(this.ownStates(trait, kept), now));
    }
    return this.rest === undefined ? states : { ...states, ...this.rest.shown(omit(kept, this.owned), now) };
  }

  private ownStates(trait: Trait, kept: Readonly<States>): States {
    return pick(kept, trait.name === 'ArmDisarm' ? [...trait.words, ...KEPT_WORDS] : trait.words);
  }

  private commanded(trait: Trait, command: Command | undefined): boolean {
    return command !== undefined && trait.commands.includes(command.name);
  }
}

/** Names under which the trait ArmDisarm keeps what it shows otherwise. */
const KEPT_WORDS = ['exitBegan', 'exitEnds'];

/** Traits of which Google is told how a command ended that took long. */
const FOLLOWED_UP_TRAITS: ReadonlySet<string> = new Set(['ArmDisarm', 'LockUnlock', ...Object.values(FOLLOWED_UP)]);

/** Commands that need their trait; everything else is passed through where anything is. */
const OWNED_COMMANDS: ReadonlySet<string> = new Set(['ArmDisarm', 'LockUnlock', 'Charge']);

function traitsOf(settings: DeviceSettings): Trait[] {
  const arming = (): Trait =>
    armDisarm({ levels: settings.levels, ordered: settings.levelsOrdered, defaultLevel: settings.defaultLevel });
  switch (settings.kind) {
    case 'SECURITYSYSTEM':
      return [statusReport(settings.id), arming()];
    case 'LOCK':
      return [lockUnlock(), ...(settings.battery ? [energyStorage()] : [])];
    case 'CUSTOM':
      return settings.customTraits.flatMap((name) => {
        if (name === 'ArmDisarm') return [arming()];
        if (name === 'StatusReport') return [statusReport(settings.id)];
        if (name === 'LockUnlock') return [lockUnlock()];
        return name === 'EnergyStorage' ? [energyStorage(settings.customAttributes)] : [];
      });
  }
}

function pick(states: Readonly<States>, words: readonly string[]): States {
  const picked: States = {};
  for (const word of words) {
    const state = Object.hasOwn(states, word) ? states[word] : undefined;
    if (state !== undefined) picked[word] = state;
  }
  return picked;
}

function omit(states: Readonly<States>, words: ReadonlySet<string>): States {
  return Object.fromEntries(Object.entries(states).filter(([word]) => !words.has(word)));
}
