/**
 * Which `Gateway` object stands for which physical gateway. All configurations with the same address use one, and so one
 * queue and one sequence of timestamps, whatever is deployed meanwhile: the object lives until nobody uses it and nothing
 * is under way. Speaking to the gateway is left to that object.
 */
import type { NodeAPI } from 'node-red';
import { textOf } from '../../src/common/errors';
import { silent } from '../../src/common/log';
import { MovableState } from '../../src/state/movable';
import type { GatewayAddress } from '../../src/thekeys/address';
import { Gateway, type BoltsAtRest, type Timing } from '../../src/thekeys/gateway';
import { stateFor } from './states';

/** How long a closing configuration waits for a slow disk. */
const SETTLE_GRACE_MS = 1000;

/** What a configuration brings along. */
export interface Membership {
  address: GatewayAddress;
  /** Address of a Redis; empty for the user directory. */
  sharedState: string;
  /** The runtime whose user directory keeps the state, where no Redis does. */
  RED: NodeAPI;
  /** The lock that its share opens; empty where it names none. */
  identifier: string;
  /** The share code. */
  code: string;
  /** Told what a person should know. */
  warn: (message: string) => void;
  /** A dialog that only asks something, and is no configuration. */
  guest?: boolean;
}

interface Speaker {
  readonly gateway: Gateway;
  readonly state: MovableState;
  /** As it was named; empty for the user directory. */
  sharedState: string;
}

interface Entry {
  readonly name: string;
  readonly members: Set<Membership>;
  speaker: Speaker | undefined;
  /** Somebody has joined who may name another shared state than the one in use. */
  newcomers: boolean;
  /** The state could not be kept, so the object is the only one who knows where the timestamps stand. */
  irreplaceable: boolean;
}

const entries = new Map<string, Entry>();

/** By the name of an entry. A bolt goes on turning while a deploy replaces everything here. */
const bolts = new Map<string, BoltsAtRest>();

let timing: Partial<Timing> | undefined;

/** What is being closed behind the scenes. */
const closing = new Set<Promise<void>>();

/** For tests, which remove the user directory: resolves when no gateway that was left writes to it any more. */
export async function allClosed(): Promise<void> {
  await Promise.all(closing);
}

/** For tests, which shall not wait for bolts to travel: durations of gateways that are made from now on. */
export function overrideTiming(override: Partial<Timing> | undefined): void {
  timing = override;
}

/** One configuration's part in a gateway. */
export class Member {
  private left = false;

  private constructor(
    private readonly entry: Entry,
    private readonly membership: Membership,
  ) {}

  static join(membership: Membership): Member {
    const name = `${homeOf(membership.RED)} ${membership.address.key}`;
    const entry = entries.get(name) ?? newEntry(name);
    entries.set(name, entry);
    entry.members.add(membership);
    if (membership.guest !== true) entry.newcomers = true;
    return new Member(entry, membership);
  }

  get identifier(): string {
    return this.membership.identifier;
  }

  /**
   * The gateway. Made when first needed, so that all configurations of a deploy have had their say.
   * @throws CodedError INVALID_INPUT
   */
  get gateway(): Gateway {
    const { entry, membership } = this;
    entry.speaker ??= begin(entry, membership);
    if (entry.newcomers) reconsider(entry, entry.speaker, membership);
    return entry.speaker.gateway;
  }

  /**
   * The code that signs for a lock: this configuration's, unless it is for another lock and a neighbour with the same
   * gateway is for this one. A code belongs to one lock and one gateway.
   */
  codeFor(identifier: string): string {
    const own = this.membership;
    if (own.identifier === '' || own.identifier === identifier) return own.code;
    return [...this.entry.members].find((member) => member.identifier === identifier)?.code ?? own.code;
  }

  /** Waits for the disk, not for the gateway. */
  async leave(): Promise<void> {
    if (this.left) return;
    this.left = true;
    const { entry } = this;
    entry.members.delete(this.membership);
    if (entry.members.size > 0) return;
    if (entry.speaker === undefined) {
      entries.delete(entry.name);
      return;
    }
    const settled = dissolve(entry).catch((error: unknown) => this.membership.warn(textOf(error)));
    closing.add(settled);
    void settled.then(() => closing.delete(settled));
    // A request under way may take half a minute: that is waited for behind the scenes.
    if (entry.speaker.gateway.busy) return;
    await withLimit(settled, SETTLE_GRACE_MS);
  }
}

/** `host:port` of every gateway that is configured in this runtime. */
export function knownAddresses(RED: NodeAPI): string[] {
  const members = [...entries.values()].flatMap((entry) => [...entry.members]);
  const configured = members.filter((member) => member.guest !== true && homeOf(member.RED) === homeOf(RED));
  return [...new Set(configured.map(({ address }) => address.key))];
}

/** Two runtimes in one process have two user directories, and then nothing in common. */
function homeOf(RED: NodeAPI): string {
  const userDir: unknown = RED.settings.userDir;
  return typeof userDir === 'string' ? userDir : '';
}

function newEntry(name: string): Entry {
  return { name, members: new Set(), speaker: undefined, newcomers: false, irreplaceable: false };
}

function begin(entry: Entry, asking: Membership): Speaker {
  entry.newcomers = false;
  const sharedState = sharedStateOf(entry, asking);
  const warn = warner(entry, asking);
  const state = new MovableState(stateFor(asking.RED, sharedState, { ...silent, warn }));
  const restsAt = bolts.get(entry.name) ?? new Map<string, number>();
  bolts.set(entry.name, restsAt);
  const gateway = new Gateway({
    address: asking.address,
    state,
    log: { ...silent, warn },
    restsAt,
    ...(timing === undefined ? {} : { timing }),
  });
  return { gateway, state, sharedState };
}

/** The queue goes on where others use it, or a request is under way; with the state that is named now. */
function reconsider(entry: Entry, speaker: Speaker, asking: Membership): void {
  entry.newcomers = false;
  const sharedState = sharedStateOf(entry, asking);
  if (sharedState === speaker.sharedState) return;
  speaker.sharedState = sharedState;
  const before = speaker.state.move(stateFor(asking.RED, sharedState, { ...silent, warn: warner(entry, asking) }));
  // The request under way holds its right to speak there.
  const closed = speaker.gateway
    .rest()
    .then(() => before.close())
    .catch((error: unknown) => asking.warn(textOf(error)));
  closing.add(closed);
  void closed.then(() => closing.delete(closed));
}

function sharedStateOf(entry: Entry, asking: Membership): string {
  const named = [...entry.members].map(({ sharedState }) => sharedState).filter((url) => url !== '');
  const sharedState = named[0] ?? '';
  if (named.some((url) => url !== sharedState)) {
    asking.warn(
      `the configurations of the gateway ${asking.address.key} name different shared states; the first one is used`,
    );
  }
  return sharedState;
}

function warner(entry: Entry, asking: Membership): (message: string) => void {
  return (message) => {
    entry.irreplaceable = true;
    asking.warn(message);
  };
}

/** Writes down where the timestamps stand and forgets the gateway, unless somebody comes meanwhile. */
async function dissolve(entry: Entry): Promise<void> {
  const { speaker } = entry;
  if (speaker === undefined) return;
  await speaker.gateway.rest();
  if (entry.members.size > 0 || entry.speaker !== speaker) return;
  await speaker.gateway.settle();
  if (entry.members.size > 0 || entry.speaker !== speaker) return;
  if (entry.irreplaceable && !speaker.state.shared) return;
  entry.speaker = undefined;
  if (entries.get(entry.name) === entry) entries.delete(entry.name);
  if (bolts.get(entry.name)?.size === 0) bolts.delete(entry.name);
  await speaker.state.close();
}

function withLimit(work: Promise<void>, ms: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    void work.finally(() => {
      clearTimeout(timer);
      resolve();
    });
  });
}
