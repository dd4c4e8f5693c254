/**
 * Which `Gateway` object stands for which gateway: one for each that there is, whatever it is called. A name is looked up
 * before its object is handed out, so that all names of a gateway share one queue, one sequence of timestamps and one
 * memory of its locks. The object lives until no configuration uses it and nothing is under way.
 */
import { abortable } from '../common/abort';
import { systemClock, within, type Clock } from '../common/clock';
import { textOf } from '../common/errors';
import { logWith, type Log } from '../common/log';
import type { State } from '../state/state';
import { begin } from './command';
import { hostPort } from './gateway-address';
import { ExchangeFailure } from './exchange';
import type { BoltsAtRest, Gateway, Timing } from './gateway';
import { asRows, ipOf, KNOWN_GATEWAYS, locate, withRow, type KnownGateway } from './known-gateways';
import type { Member, Membership, Use } from './member';
import { Place } from './place';
import { fixedAddress, Resolver, type Lookup } from './names';
import { plainIdentifier } from './wire';

export interface GatewaysOptions {
  /** Each caller closes what it got. @param url `redis://…`, or empty @throws CodedError INVALID_INPUT */
  stateFor: (url: string, log: Log) => State;
  lookup: Lookup;
  log: Log;
  clock?: Clock;
  timing?: Partial<Timing> | undefined;
}

/** Milliseconds that a closing configuration waits for a slow disk. */
const STATE_GRACE_MS = 1000;

interface Name {
  /** `host:port` as typed; `ip:port` where that needs no look-up. */
  readonly key: string;
  readonly base: URL;
  readonly members: Set<Member>;
  /** Called with the gateway that stands for it now. */
  readonly followers: Set<(gateway: Gateway) => void>;
  /** `ip:port`, where it led last. */
  at: string | undefined;
  place?: Place | undefined;
  opening?: Promise<Place> | undefined;
}

export class Gateways {
  private readonly clock: Clock;
  private readonly resolver: Resolver;
  private readonly names = new Map<string, Name>();
  /** By where they are. */
  private readonly places = new Map<string, Place>();
  /** A bolt goes on turning while a deploy replaces everything here. */
  private readonly restsAt: BoltsAtRest = new Map<string, number>();
  /** Those that end with what is under way, by where they are: the next one there waits for it. */
  private readonly ending = new Map<string, Promise<void>>();
  private readonly closing = new Set<Promise<void>>();

  constructor(private readonly options: GatewaysOptions) {
    this.clock = options.clock ?? systemClock;
    this.resolver = new Resolver({ lookup: options.lookup, clock: this.clock, log: options.log });
  }

  join(membership: Membership): Member {
    const { base, key: typed } = membership.address;
    const ip = fixedAddress(base.hostname);
    const key = ip === undefined ? typed : hostPort(ip, base.port);
    const known = this.names.get(key);
    const name: Name = known ?? { key, base, members: new Set(), followers: new Set(), at: ip && key };
    this.names.set(key, name);
    const identifier = plainIdentifier(membership.identifier) ?? '';
    const member: Member = {
      membership,
      identifier,
      gateway: async () => (await this.placeOf(name)).gateway,
      run: async (options, command) => {
        const { life, deadline } = begin(this.clock, options);
        const { gateway } = await abortable(this.placeOf(name), life.signal).finally(() => life.end());
        return command(gateway, { ...options, deadlineMs: deadline() - this.clock.elapsed() });
      },
      attach: (use) => this.attach(name, use),
      codeFor: (lock) => {
        const isOwn = identifier === '' || identifier === lock;
        const neighbour = isOwn ? undefined : this.membersAt(name).find((each) => each.identifier === lock);
        return (neighbour ?? member).membership.code;
      },
      notice: () => name.place?.notice,
      leave: () => this.leave(name, member),
    };
    name.members.add(member);
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
    return [...this.names.values()].flatMap(({ members }) => [...members]).filter(isConfigured);
  }

  private namesOf(place: Place): Name[] {
    return [...this.names.values()].filter((name) => name.place === place);
  }

  /** Of all names that lead where this one leads. */
  private membersAt(name: Name): Member[] {
    const isSame = ({ at }: Name): boolean => at !== undefined && at === name.at;
    return [...this.names.values()]
      .filter((each) => each === name || isSame(each))
      .flatMap(({ members }) => [...members]);
  }

  /** With the state that is named now. What is under way ends with the one before. @throws CodedError INVALID_INPUT */
  private placeOf(name: Name): Promise<Place> {
    const { place } = name;
    if (place?.options.sharedState === this.sharedStateOf(name)) return Promise.resolve(place);
    if (place !== undefined) this.retire(place);
    name.opening ??= this.open(name).finally(() => (name.opening = undefined));
    return name.opening;
  }

  private async open(name: Name): Promise<Place> {
    for (;;) {
      const sharedState = this.sharedStateOf(name);
      const log = this.logOf(() => [...name.members]);
      const state = this.options.stateFor(sharedState, log);
      const place = await this.arrive(name, state, sharedState);
      if (place.options.state !== state) void state.close();
      name.at = place.row.at;
      name.place = place;
      if (place.options.sharedState === this.sharedStateOf(name)) {
        if (place.isSure && [...name.members].some(isConfigured)) place.addName(name.key);
        if (this.names.get(name.key) !== name) void this.release(place);
        return place;
      }
      this.retire(place);
    }
  }

  /** The place that a name leads to: one that is there already, or a new one. */
  private async arrive(name: Name, state: State, sharedState: string): Promise<Place> {
    await this.recall(name, state);
    const at = await this.whereIs(name).catch(() => undefined);
    const isThere = this.places.get(at ?? name.key);
    if (isThere !== undefined) return isThere;
    const found = at === undefined ? undefined : await this.rowOf(name, state, at).catch(() => undefined);
    const row = found ?? locate([], name.key, at ?? name.key);
    // Another name may have come first meanwhile.
    const place = this.places.get(row.at) ?? this.newPlace(row, found !== undefined, state, sharedState, name);
    this.places.set(row.at, place);
    return place;
  }

  private newPlace(row: KnownGateway, isSure: boolean, state: State, sharedState: string, { base }: Name): Place {
    const { clock, options, restsAt } = this;
    const place: Place = new Place({
      ...{ row, isSure, base, state, sharedState, restsAt, clock, timing: options.timing },
      log: this.logOf(() => this.namesOf(place).flatMap((name) => [...name.members])),
      find: (self) => this.find(self),
      onUnreachable: (self) => {
        for (const name of this.namesOf(self)) this.resolver.expire(name.base.hostname);
      },
    });
    return place;
  }

  /** Sees to it that the place is where its names lead now. @throws ExchangeFailure, StateError */
  private async find(place: Place): Promise<void> {
    await this.ending.get(place.row.at);
    const names = this.namesOf(place);
    const found = await Promise.all(names.map(async (name) => ({ name, at: await this.whereIs(name) })));
    const elsewhere = found.filter(({ at }) => at !== place.row.at);
    const [first] = elsewhere;
    const haveAllLeft = elsewhere.length === names.length;
    const isMove = haveAllLeft && elsewhere.every(({ at }) => at === first?.at);
    if (first !== undefined && isMove && !this.places.has(first.at)) {
      this.places.delete(place.row.at);
      this.places.set(first.at, place);
      place.moveTo(first.at);
      for (const name of names) name.at = first.at;
    } else if (first !== undefined) {
      for (const { name } of elsewhere) this.reopen(name);
      if (haveAllLeft) this.replace(place);
    }
    if (!place.isSure) await this.makeSure(place);
  }

  /** Its row may have another key: then all of its names go to another object. */
  private async makeSure(place: Place): Promise<void> {
    const [name] = this.namesOf(place);
    const row = name && (await this.rowOf(name, place.options.state, place.row.at, place.row.id));
    if (row?.id === place.row.id) {
      place.row = row;
      place.isSure = true;
      return;
    }
    this.replace(place);
  }

  /** What was to be sent is not sent by this object. @throws ExchangeFailure */
  private replace(place: Place): never {
    this.retire(place);
    throw new ExchangeFailure('connect', false, 'ERR_MOVED');
  }

  private async whereIs({ base }: Name): Promise<string> {
    return hostPort(await this.resolver.resolve(base.hostname), base.port);
  }

  /** What is kept of the gateway there. Where the disk is slow, a door waits no longer. @throws StateError of a shared state */
  private async rowOf(name: Name, state: State, at: string, id = at): Promise<KnownGateway> {
    const isGuest = ![...name.members].some(isConfigured);
    // A name that has left a gateway which is still in use is another gateway now.
    const used = new Set([...this.places.values()].filter(({ row }) => row.at !== at).map(({ row }) => row.id));
    let row = locate([], name.key, at, id);
    const found = state.change<undefined>(KNOWN_GATEWAYS, (current) => {
      const rows = asRows(current);
      const free = rows.map((each) => (used.has(each.id) ? { ...each, at: '', names: [] } : each));
      row = locate(free, name.key, at, id);
      const value = withRow(rows, row);
      const isNews = !isGuest && JSON.stringify(value) !== JSON.stringify(current);
      return isNews ? { value, result: undefined } : { result: undefined };
    });
    await found.catch((error: unknown) => {
      if (state.shared) throw error;
    });
    return row;
  }

  /** Where a name led in an earlier process. */
  private async recall({ base, key }: Name, state: State): Promise<void> {
    if (fixedAddress(base.hostname) !== undefined) return;
    const rows = asRows(await state.get(KNOWN_GATEWAYS).catch(() => undefined));
    const row = rows.find(({ names }) => names.includes(key));
    if (row !== undefined) this.resolver.remember(base.hostname, ipOf(row.at));
  }

  private attach(name: Name, use: Use): () => void {
    let current: Gateway | undefined;
    let end = (): void => undefined;
    const follow = (gateway: Gateway): void => {
      if (gateway === current) return;
      end();
      current = gateway;
      end = use(gateway);
    };
    name.followers.add(follow);
    this.connect(name);
    return () => {
      if (name.followers.delete(follow)) end();
    };
  }

  private connect(name: Name): void {
    const connected = this.placeOf(name).then(({ gateway }) => {
      for (const follow of name.followers) follow(gateway);
    });
    connected.catch((error: unknown) => this.logOf(() => [...name.members]).warn(textOf(error)));
  }

  private reopen(name: Name): void {
    name.place = undefined;
    if (name.followers.size > 0) this.connect(name);
  }

  /** All of its names go to another object. It ends with what is under way, which the next one there waits for. */
  private retire(place: Place): void {
    const { at } = place.row;
    if (this.places.get(at) !== place) return;
    this.places.delete(at);
    const ended = Promise.all([this.ending.get(at), this.end(place)]).then(() => undefined);
    this.ending.set(at, ended);
    this.track(ended.finally(() => this.ending.get(at) === ended && this.ending.delete(at)));
    for (const name of this.namesOf(place)) this.reopen(name);
  }

  /** Waits for the disk, not for the gateway. */
  private async leave(name: Name, member: Member): Promise<void> {
    if (!name.members.delete(member) || name.members.size > 0) return;
    this.names.delete(name.key);
    const { place } = name;
    if (place === undefined) return;
    const released = this.release(place);
    // A request under way may take half a minute: that is waited for behind the scenes.
    if (!place.gateway.busy) await within(released, STATE_GRACE_MS, this.clock);
  }

  /** Writes down where the timestamps stand and forgets the gateway, unless a configuration uses it. */
  private release(place: Place): Promise<void> {
    const isWanted = (): boolean => this.places.get(place.row.at) !== place || this.namesOf(place).length > 0;
    const released = Promise.resolve(this.ending.get(place.row.at)).then(() => this.end(place, isWanted));
    this.track(released);
    return released;
  }

  /** Ends with what is under way, unless it is wanted again meanwhile. */
  private async end(place: Place, isWanted = (): boolean => false): Promise<void> {
    const { state } = place.options;
    if (isWanted()) return;
    await place.gateway.rest();
    if (isWanted()) return;
    await place.gateway.settle();
    const { at } = place.row;
    const isReleased = this.places.get(at) === place;
    if (isWanted() || (isReleased && place.isIrreplaceable && !state.shared)) return;
    if (isReleased) this.places.delete(at);
    await state.close();
  }

  /** That of the first of these configurations. */
  private logOf(members: () => Member[]): Log {
    return logWith((level, text) => (members()[0]?.membership.log ?? this.options.log)[level](text));
  }

  private track(work: Promise<unknown>): void {
    const tracked: Promise<void> = work
      .then(() => undefined)
      .catch((error: unknown) => this.options.log.warn(textOf(error)))
      .finally(() => this.closing.delete(tracked));
    this.closing.add(tracked);
  }

  /** Of all configurations that name one, the first. */
  private sharedStateOf(name: Name): string {
    const configured = this.membersAt(name).filter(isConfigured);
    const inUse = name.place?.options.sharedState;
    const [first] = configured;
    if (first === undefined) return inUse ?? '';
    const named = configured.map(({ membership }) => membership.sharedState).filter((url) => url !== '');
    const [wanted = ''] = named;
    if (wanted !== inUse && named.some((url) => url !== wanted)) {
      const text = `the configurations of the gateway ${name.key} name different shared states; the first one is used`;
      first.membership.log.warn(text);
    }
    return wanted;
  }
}

function isConfigured({ membership }: Member): boolean {
  return membership.guest !== true;
}
