/**
 * What answers at one address: one request at a time, and one sequence of timestamps, however its configurations call it.
 * What answers in a gateway's place could open the door with one signature, so a gateway that has moved is looked at before
 * it gets one, and what does not look like the gateway from before is reported.
 */
import type { Clock } from '../common/clock';
import type { Log } from '../common/log';
import type { State } from '../state/state';
import { exchange, type ExchangeRequest, type HttpAnswer } from './exchange';
import { asRows, ipOf, isStranger, KNOWN_GATEWAYS, withRow, withSeen, type KnownGateway } from './known-gateways';
import { Timestamps } from './timestamps';
import { readLocks, readStatus } from './wire';

/** A gateway gives its list and its status in 0.1 s. */
const LOOK_MS = 5000;

export interface SiteOptions {
  row: KnownGateway;
  state: State;
  clock: Clock;
  log: Log;
}

export class Site {
  readonly timestamps: Timestamps;
  row: KnownGateway;
  /** What holds on to it. */
  readonly users = new Set<object>();
  /** What a person should know of where it is, and whether it is the same. */
  notice: string | undefined;
  private hasMoved = false;
  private version: number | null = null;
  private last: Promise<unknown> = Promise.resolve();

  constructor(private readonly options: SiteOptions) {
    this.row = options.row;
    this.timestamps = new Timestamps({ ...options, key: `timestamp/${options.row.id}` });
  }

  /** One exchange, when the one before has ended, whichever name it went by. */
  async exchange(request: ExchangeRequest): Promise<HttpAnswer> {
    const { clock } = this.options;
    const began = clock.elapsed();
    const run = this.last.then(async () => {
      if (this.hasMoved) await this.look(request.url);
      const timeoutMs = Math.max(0, request.timeoutMs - (clock.elapsed() - began));
      return exchange({ ...request, connectTo: ipOf(this.row.at), timeoutMs });
    });
    this.last = run.catch(() => undefined);
    const answer = await run;
    this.compare(request.url.pathname, answer.body);
    return answer;
  }

  /** Its name leads elsewhere. */
  moveTo(at: string): void {
    const before = this.row.at;
    this.row = { ...this.row, at };
    this.hasMoved = true;
    this.report(`the gateway that was at ${before} is at ${at} now`);
    this.keep();
  }

  /** Asks, unsigned, what answers there now. */
  private async look(base: URL): Promise<void> {
    this.hasMoved = false;
    for (const path of ['/status', '/lockers']) {
      const url = new URL(path, base);
      const asked = {
        method: 'GET',
        url,
        connectTo: ipOf(this.row.at),
        timeoutMs: LOOK_MS,
        clock: this.options.clock,
      } as const;
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
    this.options.state
      .change(KNOWN_GATEWAYS, (current) => ({ value: withRow(asRows(current), row), result: undefined }))
      .catch(() => undefined);
  }
}
