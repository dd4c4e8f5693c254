/**
 * Which `Gateway` object stands for which gateway. Configurations with the same address use one, and so one queue, whatever
 * is deployed meanwhile: the object lives until no configuration uses it and nothing is under way. Where two names lead to
 * the same gateway, which only a look-up can tell, their objects share what answers there (`site.ts`).
 */
import { systemClock, type Clock } from '../common/clock';
import { textOf } from '../common/errors';
import type { Log } from '../common/log';
import type { State } from '../state/state';
import type { GatewayAddress } from './address';
import { ExchangeFailure, type ExchangeRequest, type HttpAnswer } from './exchange';
import { Gateway, type BoltsAtRest, type Timing } from './gateway';
import { asRows, ipOf, KNOWN_GATEWAYS, locate, withRow, type KnownGateway } from './known-gateways';
import type { Lookup } from './nearby';
import { fixedAddress, Resolver, within } from './resolver';
import { Site } from './site';
import type { TimestampSource } from './timestamps';
import { plainIdentifier } from './wire';

export interface GatewaysOptions {
  /** Each caller closes what it got. @param url `redis://…`, or empty @throws CodedError INVALID_INPUT */
  stateFor: (url: string, log: Log) => State;
  lookup: Lookup;
  log: Log;
  clock?: Clock;
  timing?: Partial<Timing> | undefined;
}

/** What a configuration brings along. */
export interface Membership {
  address: GatewayAddress;
  /** Address of a Redis; empty for the user directory. */
  sharedState: string;
  /** The lock that its share opens; empty where it names none. */
  identifier: string;
  /** The share code. */
  code: string;
  /** As a message may call the lock. */
  name: string;
  log: Log;
  /** A dialog that only asks something, and is no configuration. */
  guest?: boolean;
}

/** Milliseconds that a closing configuration waits for a slow disk, and a command for what is known of its gateway. */
const STATE_GRACE_MS = 1000;

/** A gateway by one of its names. */
interface Entry {
  readonly key: string;
  readonly address: GatewayAddress;
  readonly members: Set<Member>;
  /** Made when first needed, so that all configurations of a deploy have joined before. */
  inUse: { gateway: Gateway; state: State; sharedState: string } | undefined;
  /** The one with the state that was named before is being closed. */
  before: Promise<void> | undefined;
  site: Site | undefined;
  /** The state could not be kept, so the object is the only one that knows where the timestamps stand. */
  irreplaceable: boolean;
}

export class Gateways {
  private readonly clock: Clock;
  private readonly resolver: Resolver;
  private readonly entries = new Map<string, Entry>();
  /** By `ip:port`. */
  private readonly sites = new Map<string, Promise<Site>>();
  /** By the key of an entry. A bolt goes on turning while a deploy replaces everything here. */
  private readonly restsAt = new Map<string, BoltsAtRest>();
  private readonly closing = new Set<Promise<void>>();

  constructor(private readonly options: GatewaysOptions) {
    this.clock = options.clock ?? systemClock;
    this.resolver = new Resolver({ lookup: options.lookup, clock: this.clock, log: options.log });
  }

  join(membership: Membership): Member {
    const { base, key: typed } = membership.address;
    const ip = fixedAddress(base.hostname);
    const key = ip === undefined ? typed : placeOf(ip, base);
    const entry = this.entries.get(key) ?? {
      key,
      address: { base, key },
      members: new Set(),
      inUse: undefined,
      before: undefined,
      site: undefined,
      irreplaceable: false,
    };
    this.entries.set(key, entry);
    const member: Member = new Member(
      membership,
      () => this.gatewayOf(entry),
      () => entry.site,
      () => this.namesOf(entry).flatMap(({ members }) => [...members]),
      () => this.leave(entry, member),
    );
    entry.members.add(member);
    return member;
  }

  /** Resolves when no gateway that was left writes to its state any more. */
  async closed(): Promise<void> {
    await Promise.all(this.closing);
  }

  /** `host:port` of every gateway that is configured. */
  get addresses(): string[] {
    return [...new Set(this.configured.map(({ membership }) => membership.address.key))];
  }

  /** The lock of the one configuration that has this name. */
  identifierNamed(name: string): string | undefined {
    const [first, ...others] = this.configured.filter(({ membership }) => membership.name === name);
    return others.length === 0 ? first?.identifier : undefined;
  }

  /** The name of the configuration that is for this lock; empty where none has one. */
  nameOf(identifier: string): string {
    return this.configured.find((member) => member.identifier === identifier)?.membership.name ?? '';
  }

  private get configured(): Member[] {
    const members = [...this.entries.values()].flatMap((entry) => [...entry.members]);
    return members.filter(({ membership }) => membership.guest !== true);
  }

  /** The entries of the same gateway, under all its names that are known to lead there. */
  private namesOf(entry: Entry): Entry[] {
    const isSame = (other: Entry): boolean =>
      other === entry || (entry.site !== undefined && other.site === entry.site);
    return [...this.entries.values()].filter(isSame);
  }

  /** With the state that is named now. What is under way ends with the one before. @throws CodedError INVALID_INPUT */
  private gatewayOf(entry: Entry): Gateway {
    const sharedState = sharedStateOf(entry);
    const { inUse } = entry;
    if (inUse?.sharedState === sharedState) return inUse.gateway;
    const warn = (text: string): void => logOf(entry, this.options.log).warn(text);
    const state = this.options.stateFor(sharedState, { ...this.logFor(entry), warn });
    if (inUse !== undefined) {
      const ended = this.end(inUse.gateway, inUse.state).then(() => this.forgetSite(entry));
      entry.before = Promise.all([entry.before, ended]).then(() => undefined);
      this.track(entry.before);
    }
    const gateway = this.newGateway(entry, state);
    entry.inUse = { gateway, state, sharedState };
    return gateway;
  }

  private newGateway(entry: Entry, state: State): Gateway {
    const restsAt = this.restsAt.get(entry.key) ?? new Map<string, number>();
    this.restsAt.set(entry.key, restsAt);
    const { timing } = this.options;
    return new Gateway({
      address: entry.address,
      state,
      log: this.logFor(entry),
      clock: this.clock,
      restsAt,
      exchange: (request) => this.exchange(entry, request),
      timestamps: this.timestampsOf(entry),
      onReading: (reading) => {
        const others = this.namesOf(entry).filter((other) => other !== entry);
        for (const { inUse } of others) inUse?.gateway.readings.accept(reading);
      },
      ...(timing === undefined ? {} : { timing }),
    });
  }

  private logFor(entry: Entry): Log {
    const log = (): Log => logOf(entry, this.options.log);
    return {
      warn: (text) => {
        entry.irreplaceable = true;
        log().warn(text);
      },
      info: (text) => log().info(text),
      debug: (text) => log().debug(text),
      trace: (text) => log().trace(text),
    };
  }

  /** The sequence of what the entry's address leads to now. */
  private timestampsOf(entry: Entry): TimestampSource {
    const current = (): TimestampSource => {
      if (entry.site === undefined) throw new ExchangeFailure('connect', false, 'ERR_MOVED');
      return entry.site.timestamps;
    };
    return {
      reserve: async () => (await this.siteOf(entry)).timestamps.reserve(),
      next: () => current().next(),
      confirm: (timestamp) => current().confirm(timestamp),
      spare: (timestamp) => current().spare(timestamp),
      doubt: (timestamp) => current().doubt(timestamp),
      refused: (timestamp) => current().refused(timestamp),
      settle: async () => entry.site?.timestamps.settle(),
    };
  }

  private async exchange(entry: Entry, request: ExchangeRequest): Promise<HttpAnswer> {
    const began = this.clock.elapsed();
    try {
      const site = await this.siteOf(entry);
      return await site.exchange({ ...request, timeoutMs: request.timeoutMs - (this.clock.elapsed() - began) });
    } catch (error) {
      if (error instanceof ExchangeFailure && !error.sent) this.resolver.expire(entry.address.base.hostname);
      throw error;
    }
  }

  /** Where the entry's address leads. @throws ExchangeFailure, StateError */
  private async siteOf(entry: Entry): Promise<Site> {
    await entry.before;
    if (entry.site === undefined) await this.recall(entry);
    const { base } = entry.address;
    const at = placeOf(await this.resolver.resolve(base.hostname), base);
    const { site } = entry;
    if (site?.row.at === at) return site;
    if (site?.users.size === 1 && !this.sites.has(at)) {
      this.sites.delete(site.row.at);
      this.sites.set(at, Promise.resolve(site));
      site.moveTo(at);
      return site;
    }
    const opening = this.sites.get(at) ?? this.openSite(entry, at);
    this.sites.set(at, opening);
    try {
      const found = await opening;
      this.forgetSite(entry);
      found.users.add(entry);
      this.sites.set(at, opening);
      entry.site = found;
      return found;
    } catch (error) {
      if (this.sites.get(at) === opening) this.sites.delete(at);
      throw error;
    }
  }

  private forgetSite(entry: Entry): void {
    const { site } = entry;
    entry.site = undefined;
    site?.users.delete(entry);
    if (site?.users.size === 0) this.sites.delete(site.row.at);
  }

  private async openSite(entry: Entry, at: string): Promise<Site> {
    const state = entry.inUse?.state ?? this.options.stateFor('', this.options.log);
    const isGuest = [...entry.members].every(({ membership }) => membership.guest === true);
    let row: KnownGateway = locate([], entry.key, at);
    const found = state.change(KNOWN_GATEWAYS, (current) => {
      const rows = asRows(current);
      row = locate(rows, entry.key, at);
      const value = withRow(rows, row);
      const isNews = !isGuest && JSON.stringify(value) !== JSON.stringify(current);
      return isNews ? { value, result: undefined } : { result: undefined };
    });
    try {
      await within(found, STATE_GRACE_MS, this.clock);
    } catch (error) {
      // Processes that share it must agree on how the gateway is called; one alone goes by its address.
      if (state.shared) throw error;
    }
    return new Site({ row, state, clock: this.clock, log: this.logFor(entry) });
  }

  /** Where a name led in an earlier process. */
  private async recall({ address: { base }, key, inUse }: Entry): Promise<void> {
    if (fixedAddress(base.hostname) !== undefined || inUse === undefined) return;
    const reading = inUse.state.get(KNOWN_GATEWAYS).then((kept) => {
      const row = asRows(kept).find(({ names }) => names.includes(key));
      if (row !== undefined) this.resolver.remember(base.hostname, ipOf(row.at));
    });
    await within(reading, STATE_GRACE_MS, this.clock).catch(() => undefined);
  }

  /** Waits for the disk, not for the gateway. */
  private async leave(entry: Entry, member: Member): Promise<void> {
    if (!entry.members.delete(member) || entry.members.size > 0) return;
    const { inUse } = entry;
    if (inUse === undefined) {
      this.entries.delete(entry.key);
      return;
    }
    const closed = this.close(entry);
    this.track(closed);
    // A request under way may take half a minute: that is waited for behind the scenes.
    if (!inUse.gateway.busy) await within(closed, STATE_GRACE_MS, this.clock);
  }

  /** Writes down where the timestamps stand and forgets the gateway, unless a configuration comes meanwhile. */
  private async close(entry: Entry): Promise<void> {
    const { inUse } = entry;
    const isWanted = (): boolean => entry.members.size > 0 || entry.inUse !== inUse;
    if (inUse === undefined) return;
    await entry.before;
    await inUse.gateway.rest();
    if (isWanted()) return;
    await inUse.gateway.settle();
    if (isWanted() || (entry.irreplaceable && !inUse.state.shared)) return;
    this.forgetSite(entry);
    this.entries.delete(entry.key);
    if (this.restsAt.get(entry.key)?.size === 0) this.restsAt.delete(entry.key);
    await inUse.state.close();
  }

  private async end(gateway: Gateway, state: State): Promise<void> {
    await gateway.rest();
    await gateway.settle();
    await state.close();
  }

  private track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.options.log.warn(textOf(error)))
      .finally(() => this.closing.delete(tracked));
    this.closing.add(tracked);
  }
}

/** One configuration's part in a gateway. */
export class Member {
  readonly identifier: string;

  constructor(
    readonly membership: Membership,
    private readonly find: () => Gateway,
    private readonly siteOf: () => Site | undefined,
    private readonly neighbours: () => Member[],
    /** Waits for the disk, not for the gateway. */
    readonly leave: () => Promise<void>,
  ) {
    this.identifier = plainIdentifier(membership.identifier) ?? '';
  }

  /** @throws CodedError INVALID_INPUT */
  get gateway(): Gateway {
    return this.find();
  }

  /** What a person should know of where the gateway is, and whether it is still the same. */
  get notice(): string | undefined {
    return this.siteOf()?.notice;
  }

  /**
   * The code that signs for a lock: this configuration's, unless it is for another lock and a neighbour with the same
   * gateway is for this one. A code belongs to one lock and one gateway.
   */
  codeFor(identifier: string): string {
    const { code } = this.membership;
    if (this.identifier === '' || this.identifier === identifier) return code;
    return this.neighbours().find((member) => member.identifier === identifier)?.membership.code ?? code;
  }
}

function placeOf(ip: string, { port }: URL): string {
  return `${ip.includes(':') ? `[${ip}]` : ip}:${port === '' ? '80' : port}`;
}

function logOf({ members }: Entry, otherwise: Log): Log {
  return [...members][0]?.membership.log ?? otherwise;
}

/** Of all configurations that name one, the first. */
function sharedStateOf({ members, inUse, key }: Entry): string {
  const configured = [...members].filter(({ membership }) => membership.guest !== true);
  const [first] = configured;
  if (first === undefined) return inUse?.sharedState ?? '';
  const named = configured.map(({ membership }) => membership.sharedState).filter((url) => url !== '');
  const [wanted = ''] = named;
  if (wanted !== inUse?.sharedState && named.some((url) => url !== wanted)) {
    first.membership.log.warn(
      `the configurations of the gateway ${key} name different shared states; the first one is used`,
    );
  }
  return wanted;
}
