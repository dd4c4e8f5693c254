/**
 * Keeps the books of a campaign: what was commanded, what was told of it, what the locks did. From that it counts what
 * must never happen. Where commands come from and what goes wrong is left to others.
 *
 * Nearly every command goes to a lock of its own, which nothing else ever asks to move: so each movement of a bolt, and
 * each request, belongs to one command without any guessing.
 */
import type { SimulatedGateway } from '../simulators/gateway/gateway';
import type { JournalRequest } from '../simulators/gateway/journal';
import type { ProbeEvent } from '../test/support/probe/protocol';

export interface Command {
  id: number;
  gateway: number;
  lock: string;
  /** Of the lock, before. */
  initialState: 'open' | 'closed';
  action: 'open' | 'close' | 'toggle';
  deadlineMs: number;
  confirm: boolean;
  /** Milliseconds of the machine's monotonic clock. */
  sentAt: number;
}

interface Entry extends Command {
  /** When the node was handed it; undefined where nobody knows that it was. */
  takenAt?: number;
  /** What was thrown when it was handed over. */
  problem?: string;
  /** Each `done`, with its code ('ok' without error). */
  ends: { at: number; code: string }[];
  told?: { at: number; state: unknown; confirmed: unknown };
  /** The process was killed, or the node was not there: no end can be expected. */
  excused: boolean;
}

export interface Tally {
  commands: number;
  outcomes: Record<string, number>;
  requests: number;
  executed: number;
  executedTwice: number;
  executedLate: number;
  /** Left later than 5 s after their turn could have come, though nothing was wrong with their gateway. */
  leftLate: number;
  timestampsReused: number;
  /** Used once more after the gateway had refused them for the sake of its clock, so that they had not counted for it. */
  timestampsTriedAgain: number;
  overlapping: number;
  doneMissing: number;
  doneTwice: number;
  /** A state that the lock had at no time between the command and the word of it. */
  statesInvented: number;
  /** "Done" though the lock did nothing, or an error other than "nobody knows" though it did. */
  outcomesWrong: number;
  processDeaths: number;
  /** What the counts are made of, for whoever looks for the cause. */
  evidence: string[];
}

/** What a gateway says whose clock is far from a timestamp. */
const REFUSED_BY_CLOCK = 'refused 38';

const WANTED = { open: 'open', close: 'closed', toggle: undefined } as const;
/** The one error that says that nobody knows. After every other one the lock has done nothing. */
const UNKNOWN = 'RESULT_UNKNOWN';
/**
 * Between the deadline, by which a request must have left, and the moment it was handed to the network: two clocks that are
 * read at different moments.
 */
const TOLERANCE_MS = 25;
/** The same, and its way here on a busy machine, where nobody knows when it left. */
const ARRIVAL_TOLERANCE_MS = 250;
/** How long an action may wait for nothing: a poll whose answer was lost is given 2 s more, and some silence afterwards. */
const TURN_MS = 5000;
/** A reading may be so old when it is told: one answer's time. */
const READING_MS = 4000;

/** What keeps no gateway from being asked. */
const HARMLESS: ReadonlySet<string> = new Set([
  'lock turned by hand',
  'lock moved from elsewhere',
  'lost poll',
  'slow flushes',
  'flushes that hang',
  'look-ups that hang',
]);

export class Ledger {
  private readonly entries = new Map<number, Entry>();
  private readonly turns: { lock: string; at: number; state: string }[] = [];
  private readonly reports: { lock: string; at: number; state: string }[] = [];
  private readonly disturbances: { name: string; from: number; to: number }[] = [];
  /** Requests, by gateway and lock. */
  private readonly seen = new Map<string, JournalRequest[]>();
  /** When actions were handed to the network, by lock and timestamp. */
  private readonly departures = new Map<string, number>();
  private deaths = 0;

  /** `actionNodes`: the nodes whose `done` counts. Where there is none, the first end of any node does. */
  constructor(private readonly actionNodes: ReadonlySet<string> | undefined) {}

  command(command: Command): void {
    this.entries.set(command.id, { ...command, ends: [], excused: false });
  }

  hear(event: ProbeEvent): void {
    if (event.event === 'sent') {
      const entry = this.entries.get(event.id);
      if (entry === undefined) return;
      if (event.taken) entry.takenAt = event.at / 1000;
      else entry.excused = true;
      if (event.problem !== undefined) entry.problem = event.problem;
    } else if (event.event === 'complete') this.complete(event);
    else if (event.event === 'output') this.output(event);
  }

  /** The process is gone, by our hand; what it had taken has no end. */
  killed(): void {
    for (const entry of this.entries.values()) if (entry.ends.length === 0) entry.excused = true;
  }

  died(): void {
    this.deaths += 1;
    this.killed();
  }

  /** Something was made to go wrong: named in the evidence of what happened meanwhile. */
  disturbance(name: string, from: number, to: number): void {
    this.disturbances.push({ name, from, to });
  }

  /** Somebody turned a lock by hand. */
  turned(lock: string, at: number, state: string): void {
    this.turns.push({ lock, at, state });
  }

  /**
   * An action was handed to the network. Only this moment says whether it left in time: a process that is stopped between
   * it and the wire cannot take it back.
   */
  departed(lock: string, timestamp: string, at: number): void {
    this.departures.set(`${lock} ${timestamp}`, at);
  }

  get open(): number {
    return [...this.entries.values()].filter(({ ends, excused }) => ends.length === 0 && !excused).length;
  }

  tally(gateways: readonly SimulatedGateway[]): Tally {
    const tally: Tally = {
      commands: this.entries.size,
      outcomes: {},
      requests: 0,
      executed: 0,
      executedTwice: 0,
      executedLate: 0,
      leftLate: 0,
      timestampsReused: 0,
      timestampsTriedAgain: 0,
      overlapping: 0,
      doneMissing: 0,
      doneTwice: 0,
      statesInvented: 0,
      outcomesWrong: 0,
      processDeaths: this.deaths,
      evidence: [],
    };
    const byLock = new Map<string, Entry>();
    for (const entry of this.entries.values()) byLock.set(`${entry.gateway} ${entry.lock}`, entry);
    const moves = new Map<string, { at: number; state: string }[]>();

    for (const [index, gateway] of gateways.entries()) {
      const { journal } = gateway;
      tally.requests += journal.requests.length;
      const seen = new Map<string, JournalRequest>();
      for (const [number, request] of journal.requests.entries()) {
        const { at, fields, inFlight } = request;
        const told = tell(request);
        if (inFlight > 1) {
          tally.overlapping += 1;
          const before = journal.requests
            .slice(Math.max(0, number - 3), number)
            .map(tell)
            .join(', ');
          tally.evidence.push(`overlapping: gateway ${index}: ${told} after ${before}; lately ${this.lately(at)}`);
        }
        if (fields.ts === undefined) continue;
        const earlier = seen.get(fields.ts);
        if (earlier?.outcome?.startsWith(REFUSED_BY_CLOCK)) tally.timestampsTriedAgain += 1;
        else if (earlier !== undefined) {
          tally.timestampsReused += 1;
          tally.evidence.push(
            `timestampsReused: gateway ${index}: ${fields.ts} for ${told}, before for ${tell(earlier)}; lately ${this.lately(at)}`,
          );
        }
        seen.set(fields.ts, request);
      }
      const executions = new Map<string, number>();
      for (const { lock, action, at } of journal.actions) {
        const entry = byLock.get(`${index} ${lock}`);
        if (entry === undefined) continue;
        tally.executed += 1;
        const times = (executions.get(lock) ?? 0) + 1;
        executions.set(lock, times);
        if (times > 1) this.note(tally, 'executedTwice', entry, `executed ${times} times`);
        const state = action === 'open' ? 'open' : 'closed';
        moves.set(lock, [...(moves.get(lock) ?? []), { at: at + gateway.times.travelMs, state }]);
      }
      for (const request of journal.requests) {
        const place = `${index} ${request.fields.identifier ?? ''}`;
        this.seen.set(place, [...(this.seen.get(place) ?? []), request]);
        if (request.path !== '/open' && request.path !== '/close') continue;
        const entry = byLock.get(`${index} ${request.fields.identifier ?? ''}`);
        if (entry === undefined) continue;
        const left = this.departures.get(`${entry.lock} ${request.fields.ts ?? ''}`);
        const late = (left ?? request.at) - (entry.takenAt ?? entry.sentAt) - entry.deadlineMs;
        if (late > (left === undefined ? ARRIVAL_TOLERANCE_MS : TOLERANCE_MS))
          this.note(tally, 'executedLate', entry, `asked ${Math.round(late)} ms too late`);
      }
      for (const entry of byLock.values()) {
        if (entry.gateway === index) this.judgeWait(tally, entry, journal.requests);
        if (entry.gateway === index) this.judge(tally, entry, executions.get(entry.lock) ?? 0);
      }
    }
    this.judgeStates(tally, byLock, moves);
    return tally;
  }

  /** What went wrong in the seconds before, in milliseconds from then. */
  private lately(at: number): string {
    return this.disturbances
      .filter(({ from }) => from < at && from > at - 20_000)
      .map(({ name, from, to }) => `${name} ${Math.round(from - at)}..${Math.round(to - at)}`)
      .join(', ');
  }

  private complete(event: Extract<ProbeEvent, { event: 'complete' }>): void {
    const entry = this.entries.get(event.id);
    if (entry === undefined) return;
    const code = event.code ?? 'ok';
    if (this.actionNodes === undefined) {
      // In a chain of nodes each ends what it was given; an error anywhere, or the chain's last node, ends the command.
      if (code !== 'ok' || event.node.endsWith('sink')) entry.ends.push({ at: event.at / 1000, code });
    } else if (this.actionNodes.has(event.node)) entry.ends.push({ at: event.at / 1000, code });
  }

  private output(event: Extract<ProbeEvent, { event: 'output' }>): void {
    const { payload } = event.message as { payload?: unknown };
    if (typeof payload !== 'object' || payload === null) return;
    const { identifier, state, confirmed } = payload as { identifier?: unknown; state?: unknown; confirmed?: unknown };
    const entry = this.entries.get(event.message.probe);
    const at = event.at / 1000;
    if (entry !== undefined) entry.told = { at, state, confirmed };
    else if (typeof identifier === 'string' && typeof state === 'string') {
      this.reports.push({ lock: identifier, at, state });
    }
  }

  private judge(tally: Tally, entry: Entry, executions: number): void {
    const [end, ...more] = entry.ends;
    const name = end?.code ?? (entry.excused ? 'killed, or between two deploys' : 'no outcome');
    tally.outcomes[name] = (tally.outcomes[name] ?? 0) + 1;
    if (end === undefined && !entry.excused)
      this.note(tally, 'doneMissing', entry, `never ended; ${handedOver(entry)}`);
    if (more.length > 0) this.note(tally, 'doneTwice', entry, `ended ${entry.ends.map(({ code }) => code).join(', ')}`);
    if (end === undefined) return;
    // A lost answer is settled by reading the lock, which may have been as wanted from the beginning.
    const already = entry.initialState === WANTED[entry.action];
    if (end.code === 'ok' && executions === 0 && !already) {
      this.note(tally, 'outcomesWrong', entry, 'ok, and the lock did nothing');
    }
    if (end.code !== 'ok' && end.code !== UNKNOWN && executions > 0) {
      this.note(tally, 'outcomesWrong', entry, `${end.code}, and the lock did it`);
    }
  }

  /**
   * Whether it waited for longer than it had to: the end of what was asked of the gateway before, other than by polls, and of
   * what was wrong meanwhile, is when its turn could have come.
   */
  private judgeWait(tally: Tally, entry: Entry, requests: readonly JournalRequest[]): void {
    const { takenAt = entry.sentAt, lock, deadlineMs } = entry;
    const own = requests.find(({ path, fields }) => /^\/(open|close)$/.test(path) && fields.identifier === lock);
    const left =
      own === undefined ? entry.ends[0]?.at : (this.departures.get(`${lock} ${own.fields.ts ?? ''}`) ?? own.at);
    if (left === undefined || left - takenAt <= TURN_MS || deadlineMs <= TURN_MS) return;
    // Polls are lists and readings of locks that no command is for.
    const commanded = new Set([...this.entries.values()].map((each) => each.lock));
    const obstacles = [
      ...requests.filter(({ fields }) => commanded.has(fields.identifier ?? '')).map(({ at }) => at),
      ...requests.filter(({ path }) => path === '/status' || path === '/synchronize').map(({ at }) => at),
      ...this.disturbances.filter(({ name }) => !HARMLESS.has(name)).map(({ to }) => to),
    ].filter((at) => at < left && at > takenAt);
    const waited = left - Math.max(takenAt, ...obstacles);
    if (waited > TURN_MS) this.note(tally, 'leftLate', entry, `waited ${Math.round(waited)} ms for nothing`);
  }

  private judgeStates(
    tally: Tally,
    byLock: ReadonlyMap<string, Entry>,
    moves: ReadonlyMap<string, { at: number; state: string }[]>,
  ): void {
    const initial = new Map([...byLock.values()].map(({ lock, initialState }) => [lock, initialState]));
    const had = (lock: string, from: number, to: number): Set<string> => {
      const changes = [...(moves.get(lock) ?? []), ...this.turns.filter((turn) => turn.lock === lock)];
      changes.sort((a, b) => a.at - b.at);
      const before = changes.filter(({ at }) => at < from).at(-1)?.state ?? initial.get(lock) ?? 'closed';
      return new Set([before, ...changes.filter(({ at }) => at >= from && at <= to).map(({ state }) => state)]);
    };
    for (const entry of byLock.values()) {
      const { told } = entry;
      if (told === undefined || typeof told.state !== 'string' || told.state === 'unknown') continue;
      const states = had(entry.lock, entry.sentAt, told.at);
      if (!states.has(told.state)) this.note(tally, 'statesInvented', entry, `told ${told.state}`);
      const wanted = WANTED[entry.action];
      if (told.confirmed === true && wanted !== undefined && told.state !== wanted) {
        this.note(tally, 'outcomesWrong', entry, `confirmed ${told.state}`);
      }
    }
    for (const { lock, at, state } of this.reports) {
      if (state === 'unknown' || had(lock, at - READING_MS, at).has(state)) continue;
      tally.statesInvented += 1;
      tally.evidence.push(`lock ${lock}: a poll told ${state}`);
    }
  }

  private note(
    tally: Tally,
    what:
      'executedTwice' | 'executedLate' | 'leftLate' | 'doneMissing' | 'doneTwice' | 'outcomesWrong' | 'statesInvented',
    entry: Entry,
    text: string,
  ): void {
    tally[what] += 1;
    const { takenAt = entry.sentAt, deadlineMs } = entry;
    const meanwhile = this.disturbances
      .filter(({ from, to }) => to > takenAt - 500 && from < takenAt + deadlineMs + 2000)
      .map(({ name, from, to }) => `${name} ${Math.round(from - takenAt)}..${Math.round(to - takenAt)}`);
    const ends = entry.ends.map(({ at, code }) => `${code} after ${Math.round(at - entry.sentAt)} ms`).join(', ');
    tally.evidence.push(
      `${what}: command ${entry.id} (${entry.action} lock ${entry.lock} of gateway ${entry.gateway}, deadline ${entry.deadlineMs} ms${entry.confirm ? ', confirmed' : ''}): ${text}${ends === '' ? '' : `; ${ends}`}; meanwhile ${meanwhile.join(', ')}; requests ${(this.seen.get(`${entry.gateway} ${entry.lock}`) ?? []).map(({ path, at, outcome }) => `${path} ${Math.round(at - takenAt)} ${outcome ?? 'under way'}`).join(', ')}`,
    );
  }
}

/** Where to look for an end that is missing: in the node, or before it. */
function handedOver({ takenAt, sentAt, problem }: Entry): string {
  if (problem !== undefined) return `handing it over threw ${problem}`;
  return takenAt === undefined
    ? 'nobody knows that it was handed over'
    : `handed over after ${Math.round(takenAt - sentAt)} ms`;
}

function tell({ path, fields, at, outcome = 'under way' }: JournalRequest): string {
  return `${path} ${fields.identifier ?? ''} at ${at.toFixed(1)} (${outcome})`;
}
