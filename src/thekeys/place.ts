/**
 * One physical gateway, wherever it moves and however it is called: the object that stands for it, and what it was seen
 * to be. What answers in a gateway's place could open the door with one signature, so a gateway that has moved is looked
 * at before it gets one, and what does not look like the gateway from before is reported.
 */
import { abortable } from '../common/abort';
import type { Clock } from '../common/clock';
import type { Log } from '../common/log';
import type { State } from '../state/state';
import { exchange, ExchangeFailure, type ExchangeRequest, type HttpAnswer } from './exchange';
import { Gateway, type BoltsAtRest, type Timing } from './gateway';
import { asRows, ipOf, isStranger, KNOWN_GATEWAYS, withRow, withSeen, type KnownGateway } from './known-gateways';
import { readLocks, readStatus } from './wire';

/** A gateway gives its list and its status in 0.1 s. */
const LOOK_MS = 5000;

export interface PlaceOptions {
  row: KnownGateway;
  /** False where it is not known yet whether this row is the one of the gateway. */
  isSure: boolean;
  base: URL;
  state: State;
  /** Address of its Redis; empty for the user directory. */
  sharedState: string;
  restsAt: BoltsAtRest;
  clock: Clock;
  log: Log;
  timing?: Partial<Timing> | undefined;
  /** Sees to it, before each request, that the place is where its names lead now. @throws ExchangeFailure, StateError */
  find: (place: Place) => Promise<void>;
  /** A request did not reach it. */
  onUnreachable: (place: Place) => void;
}

export class Place {
  row: KnownGateway;
  isSure: boolean;
  readonly gateway: Gateway;
  /** What a person should know of where it is, and whether it is the same. */
  notice: string | undefined;
  /** The state could not be kept, so the object is the only one that knows where the timestamps stand. */
  isIrreplaceable = false;
  private hasMoved = false;
  private version: number | null = null;

  constructor(readonly options: PlaceOptions) {
    const { row, isSure, base, state, restsAt, clock, log, timing } = options;
    this.row = row;
    this.isSure = isSure;
    const warn = (text: string): void => {
      // What the gateway warns of is that something cannot be kept.
      this.isIrreplaceable = true;
      log.warn(text);
    };
    this.gateway = new Gateway({
      address: { base, key: row.id },
      state,
      log: { ...log, warn },
      clock,
      restsAt,
      exchange: (request) => this.exchange(request),
      ...(timing && { timing }),
    });
  }

  /** What the gateway answers, wherever it is now. */
  private async exchange(request: ExchangeRequest): Promise<HttpAnswer> {
    const { clock, find, onUnreachable } = this.options;
    const endsAt = clock.elapsed() + request.timeoutMs;
    try {
      const found = find(this);
      await (request.signal === undefined ? found : abortable(found, request.signal));
      if (this.hasMoved) await this.look(request.url);
      const timeoutMs = Math.max(0, endsAt - clock.elapsed());
      const answer = await exchange({ ...request, connectTo: ipOf(this.row.at), timeoutMs });
      this.compare(request.url.pathname, answer.body);
      return answer;
    } catch (error) {
      if (error instanceof ExchangeFailure && !error.sent) onUnreachable(this);
      throw error;
    }
  }

  /** One more name leads there. */
  addName(name: string): void {
    if (this.row.names.includes(name)) return;
    this.row = { ...this.row, names: [...this.row.names, name] };
    this.keep();
  }

  /** Its names lead elsewhere. */
  moveTo(at: string): void {
    const before = this.row.at;
    this.row = { ...this.row, at };
    // Where it was not found before, there is nothing to compare.
    if (!this.isSure) return;
    this.hasMoved = true;
    this.report(`the gateway that was at ${before} is at ${at} now`);
    this.keep();
  }

  /** Asks, unsigned, what answers there now. */
  private async look(base: URL): Promise<void> {
    this.hasMoved = false;
    const { clock } = this.options;
    for (const path of ['/status', '/lockers']) {
      const url = new URL(path, base);
      const asked = { method: 'GET', url, connectTo: ipOf(this.row.at), timeoutMs: LOOK_MS, clock } as const;
      const answer = await exchange({ ...asked, body: () => '' }).catch(() => undefined);
      if (answer !== undefined) this.compare(path, answer.body);
    }
  }

  /** Notes what a gateway says of itself, and whether it is another one than before. */
  private compare(path: string, body: string): void {
    if (path === '/status') {
      const reply = readStatus(body);
      if (reply.kind === 'ok') this.version = reply.value.version;
    }
    if (path !== '/lockers') return;
    const reply = readLocks(body);
    if (reply.kind !== 'ok') return;
    const seen = { version: this.version, locks: reply.value.map(({ identifier }) => identifier) };
    const isOther = isStranger(this.row, seen);
    if (isOther) this.report(`what answers at ${this.row.at} may be another gateway: it sees none of the same locks`);
    const row = withSeen(isOther ? { ...this.row, locks: [] } : this.row, seen);
    if (row === this.row) return;
    this.row = row;
    this.keep();
  }

  private report(text: string): void {
    this.notice = text;
    this.options.log.warn(
      `${text}. If you know of no reason, check what is at that address: it is about to get signatures.`,
    );
  }

  /** What cannot be kept is found anew after a restart. */
  private keep(): void {
    const { row } = this;
    if (!this.isSure) return;
    this.options.state
      .change(KNOWN_GATEWAYS, (current) => ({ value: withRow(asRows(current), row), result: undefined }))
      .catch(() => undefined);
  }
}
