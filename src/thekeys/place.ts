/**
 * One physical gateway, wherever it moves and however it is called: the object that stands for it, and what it was seen
 * to be. What answers in a gateway's place could open the door with one signature, so a gateway that has moved is looked
 * at before it gets one, and what does not look like the gateway from before is reported.
 */
import type { Clock } from '../common/clock';
import type { Log } from '../common/log';
import type { State } from '../state/state';
import { exchange, type ExchangeRequest, type HttpAnswer } from './exchange';
import type { Gateway } from './gateway';
import { asRows, ipOf, isStranger, KNOWN_GATEWAYS, withRow, withSeen, type KnownGateway } from './known-gateways';
import { readLocks, readStatus } from './wire';

/** A gateway gives its list and its status in 0.1 s. */
const LOOK_MS = 5000;

export interface PlaceOptions {
  row: KnownGateway;
  /** False where it is not known yet whether this row is the one of the gateway. */
  isSure: boolean;
  state: State;
  sharedState: string;
  clock: Clock;
  log: Log;
  gateway: (place: Place) => Gateway;
}

export class Place {
  row: KnownGateway;
  isSure: boolean;
  readonly state: State;
  /** Address of its Redis; empty for the user directory. */
  readonly sharedState: string;
  readonly gateway: Gateway;
  /** What a person should know of where it is, and whether it is the same. */
  notice: string | undefined;
  /** The state could not be kept, so the object is the only one that knows where the timestamps stand. */
  isIrreplaceable = false;
  private hasMoved = false;
  private version: number | null = null;

  constructor(private readonly options: PlaceOptions) {
    ({ row: this.row, isSure: this.isSure, state: this.state, sharedState: this.sharedState } = options);
    this.gateway = options.gateway(this);
  }

  /** What the gateway answers, wherever it is now. */
  async exchange(request: ExchangeRequest): Promise<HttpAnswer> {
    const began = this.options.clock.elapsed();
    if (this.hasMoved) await this.look(request.url);
    const timeoutMs = Math.max(0, request.timeoutMs - (this.options.clock.elapsed() - began));
    const answer = await exchange({ ...request, connectTo: ipOf(this.row.at), timeoutMs });
    this.compare(request.url.pathname, answer.body);
    return answer;
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
      const asked = {
        method: 'GET',
        url: new URL(path, base),
        connectTo: ipOf(this.row.at),
        timeoutMs: LOOK_MS,
      } as const;
      const answer = await exchange({ ...asked, clock, body: () => '' }).catch(() => undefined);
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
    const { row, state } = this;
    if (!this.isSure) return;
    state
      .change(KNOWN_GATEWAYS, (current) => ({ value: withRow(asRows(current), row), result: undefined }))
      .catch(() => undefined);
  }
}
