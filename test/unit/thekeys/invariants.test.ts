/**
 * Whatever happens, in whatever order (commands with all sorts of deadlines, faults, kills and restarts, wall clocks set
 * back and forward): one request at a time, timestamps that only grow, no action twice, none after its deadline, and each
 * command ends exactly once, with a word that is true. Where a gateway compares timestamps with its own clock, and so can
 * make the sequence go back, none that it has accepted is used again.
 */
import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import fc from 'fast-check';
import { SimulatedGateway, type FaultKind } from '../../../simulators/gateway/gateway';
import type { Journal } from '../../../simulators/gateway/journal';
import { silent } from '../../../src/common/log';
import { MemoryState } from '../../../src/state/local';
import type { Json } from '../../../src/state/state';
import { parseAddress } from '../../../src/thekeys/gateway-address';
import type { CodedError } from '../../../src/common/errors';
import type { Share } from '../../../src/thekeys/calls';
import { GATEWAY_ERROR_CODES } from '../../../src/thekeys/gateway-errors';
import { Gateway } from '../../../src/thekeys/gateway';
import { HandClock, turn } from '../../support/clock';
import { inProcess } from '../../support/in-process';

const LOCKS = [
  { identifier: '1001', code: 'demo-front-code' },
  { identifier: '1002', code: 'demo-back-code' },
];

/** What survives `kill -9`: a value counts as kept only some time after it was handed over. */
class SlowDisk extends MemoryState {
  constructor(
    kept: Map<string, Json>,
    private readonly clock: HandClock,
    private readonly alive: () => boolean,
  ) {
    super(kept);
  }
  protected override async keep(key: string, value: Json | undefined): Promise<void> {
    await new Promise<void>((resolve) => this.clock.after(20, resolve));
    if (this.alive()) await super.keep(key, value);
  }
}

type Action = 'open' | 'close' | 'toggle' | 'calibrate';
/** Commands for the same lock hold each other up; what was asked of one that has a lock to itself can be told exactly. */
type Aim = { lock: number } | { initially: 'open' | 'closed' };
type Step =
  | { kind: 'act'; action: Action; aim: Aim; deadline: number; confirm: boolean }
  | { kind: 'read'; what: 'lockStatus' | 'list' | 'status'; lock: number; deadline: number }
  | { kind: 'work'; what: 'synchronize' | 'synchronizeLock' }
  | { kind: 'giveUp' }
  | { kind: 'pass'; ms: number }
  | { kind: 'setWall'; seconds: number }
  | { kind: 'fault'; fault: FaultKind; times: number }
  | { kind: 'restart'; kill: boolean }
  | { kind: 'hand'; lock: number };

const FAULTS: FaultKind[] = [
  'refuse',
  'reset-before',
  'reset-after',
  'hang',
  'slow',
  'garbage',
  'empty',
  'html',
  'busy',
  'clock-invalid',
  'truncated',
  'redirect',
];
const lock = fc.integer({ min: 0, max: 1 });
const deadline = fc.integer({ min: 50, max: 40_000 });
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('act' as const),
      action: fc.constantFrom('open' as const, 'close' as const, 'toggle' as const, 'calibrate' as const),
      aim: fc.oneof(fc.record({ lock }), fc.record({ initially: fc.constantFrom('open' as const, 'closed' as const) })),
      deadline,
      confirm: fc.boolean(),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('read' as const),
      what: fc.constantFrom('lockStatus' as const, 'list' as const, 'status' as const),
      lock,
      deadline,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      kind: fc.constant('work' as const),
      what: fc.constantFrom('synchronize' as const, 'synchronizeLock' as const),
    }),
  },
  { weight: 5, arbitrary: fc.record({ kind: fc.constant('pass' as const), ms: fc.integer({ min: 0, max: 15_000 }) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      kind: fc.constant('setWall' as const),
      // Most clocks that are set wrong are set right again.
      seconds: fc.oneof(fc.integer({ min: -7200, max: 7200 }), fc.constantFrom(3600, -3600, 300, -300)),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('fault' as const),
      fault: fc.constantFrom(...FAULTS),
      times: fc.integer({ min: 1, max: 3 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('restart' as const), kill: fc.boolean() }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'giveUp' as const }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('hand' as const), lock }) },
);

/** A clock that is wrong for a while, in which somebody wants something, as afterwards. */
const trip: fc.Arbitrary<Step[]> = fc
  .record({ seconds: fc.constantFrom(3600, 3600, 300, -300, -3600), ms: fc.integer({ min: 100, max: 20_000 }), lock })
  .map(({ seconds, ms, lock }) => {
    const act: Step = { kind: 'act', action: 'open', aim: { lock }, deadline: 30_000, confirm: false };
    const set = (by: number): Step => ({ kind: 'setWall', seconds: by });
    return [set(seconds), act, { kind: 'pass', ms }, set(-seconds), act, { kind: 'pass', ms: 15_000 }];
  });
const history = fc
  .array(fc.oneof({ weight: 12, arbitrary: step.map((one): Step[] => [one]) }, { weight: 1, arbitrary: trip }), {
    minLength: 3,
    maxLength: 30,
  })
  .map((parts) => parts.flat());

/** A gateway that compares timestamps with its clock, and what it says then; or one that does not. */
const strictness = fc.constantFrom(undefined, undefined, 33 as const, 38 as const);
/** Seconds. */
const TOLERANCE = 600;

interface Told {
  /** Each end: 'ok' or a code. */
  ends: string[];
  /** Started by a process that was killed since: it cannot end. */
  killed: boolean;
}

interface Commanded extends Told {
  lock: string;
  action: Action;
  /** On the clock: nothing of it is sent from then on. */
  until: number;
  /** Of a lock of its own. */
  initially?: 'open' | 'closed';
}

/** Any number of commands may listen to it. */
function patient(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

async function live(steps: readonly Step[], refusal: 33 | 38 | undefined): Promise<void> {
  const clock = new HandClock();
  const noon = clock.now();
  const world = new SimulatedGateway({
    locks: LOCKS,
    // Nobody sets its clock wrong.
    clock: {
      now: () => noon + clock.elapsed(),
      elapsed: () => clock.elapsed(),
      after: (ms, run) => clock.after(ms, run),
    },
    times: { latencyMs: 100, bleMs: 1000, travelMs: 5000, synchronizeMs: 20_000 },
    answerWork: 'at-once',
    ...(refusal === undefined ? {} : { clockTolerance: TOLERANCE, clockRefusal: refusal }),
  });
  const kept = new Map<string, Json>();
  const told: Told[] = [];
  const commanded: Commanded[] = [];
  let life = new AbortController();
  let giveUp = patient();

  const begin = (): Gateway => {
    const mine = life;
    return new Gateway({
      address: parseAddress('gateway.test'),
      state: new SlowDisk(kept, clock, () => !mine.signal.aborted),
      log: silent,
      clock,
      exchange: inProcess(world, clock, mine.signal),
      random: () => 0.5,
    });
  };
  let gateway = begin();

  const follow = (command: Promise<unknown>, entry: Told = { ends: [], killed: false }): void => {
    told.push(entry);
    command.then(
      () => entry.ends.push('ok'),
      (error: unknown) => {
        const { code } = error as CodedError;
        entry.ends.push(code);
        assert.ok((GATEWAY_ERROR_CODES as string[]).includes(code), String(error));
      },
    );
  };
  const lockOf = (aim: Aim): Share => {
    if ('lock' in aim) return LOCKS[aim.lock]!;
    const share = { identifier: String(2000 + commanded.length), code: 'demo-side-code' };
    world.addLock({ ...share, state: aim.initially });
    return share;
  };

  for (const now of steps) {
    switch (now.kind) {
      case 'act': {
        const share = lockOf(now.aim);
        const options = {
          deadlineMs: now.deadline,
          timeoutMs: 20_000,
          confirm: now.confirm,
          signal: giveUp.signal,
        };
        const command: Commanded = {
          ends: [],
          killed: false,
          lock: share.identifier,
          action: now.action,
          until: clock.elapsed() + now.deadline,
          ...('initially' in now.aim ? now.aim : {}),
        };
        commanded.push(command);
        follow(gateway[now.action](share, options), command);
        break;
      }
      case 'read': {
        const options = { deadlineMs: now.deadline, timeoutMs: 20_000, signal: giveUp.signal };
        follow(now.what === 'lockStatus' ? gateway.lockStatus(LOCKS[now.lock]!, options) : gateway[now.what](options));
        break;
      }
      case 'work': {
        const options = { deadlineMs: 30_000, timeoutMs: 20_000, signal: giveUp.signal };
        follow(
          now.what === 'synchronize'
            ? gateway.synchronize(options)
            : gateway.synchronizeLock(LOCKS[0]!.identifier, options),
        );
        break;
      }
      case 'giveUp':
        giveUp.abort(Object.assign(new Error('given up'), { code: 'EXPIRED' }));
        giveUp = patient();
        break;
      case 'pass':
        await clock.advance(now.ms);
        break;
      case 'setWall':
        clock.setWall(now.seconds * 1000);
        break;
      case 'fault':
        world.faults.next({ kind: now.fault, times: now.times, ms: 3000 });
        break;
      case 'restart':
        if (!now.kill) {
          giveUp.abort(Object.assign(new Error('closed'), { code: 'EXPIRED' }));
          giveUp = patient();
          await turn();
          void gateway.settle();
          await clock.advance(100);
        }
        for (const entry of told) if (entry.ends.length === 0) entry.killed = true;
        life.abort();
        life = new AbortController();
        // Whatever the gateway was doing for the process that is gone ends; a restart takes seconds.
        await clock.advance(2000);
        gateway = begin();
        break;
      case 'hand':
        world.locks.get(LOCKS[now.lock]!.identifier)!.turnByHand('open');
        break;
    }
    await turn();
  }
  // Long enough for every deadline and for all that was begun.
  for (let minutes = 0; minutes < 15; minutes++) await clock.advance(60_000);

  const { journal } = world;
  assert.ok(journal.maxInFlight <= 1, 'requests overlapped');
  for (const { ends, killed } of told) {
    assert.ok(ends.length === 1 || (killed && ends.length === 0), `a command ended: ${ends.join(', ')}`);
  }
  judgeTimestamps(journal, refusal !== undefined);
  judgeCommands(journal, commanded);
  seen.requests += journal.requests.length;
  seen.actions += journal.actions.length;
  seen.commands += told.length;
  seen.goneBack += refusal !== undefined && !grows(journal.timestamps) ? 1 : 0;
}

/** Over all runs, so that a test that tested nothing would show. */
const seen = { requests: 0, actions: 0, commands: 0, goneBack: 0 };

function grows(numbers: readonly number[]): boolean {
  return numbers.every((number, index) => index === 0 || number > numbers[index - 1]!);
}

function judgeTimestamps({ requests, timestamps, refusedTimestamps }: Journal, mayGoBack: boolean): void {
  if (!mayGoBack) {
    assert.ok(grows(timestamps), `timestamps ${timestamps.join(' ')}`);
    assert.deepEqual(refusedTimestamps, []);
    return;
  }
  const accepted = requests.filter(
    ({ outcome, fields }) => fields.ts !== undefined && (outcome ?? '').startsWith('ok'),
  );
  for (const { fields } of accepted) {
    const users = requests.filter((request) => request.fields.ts === fields.ts);
    assert.equal(users.length, 1, `${fields.ts} was accepted, and used ${users.length} times: ${timestamps.join(' ')}`);
  }
}

function judgeCommands({ requests, actions }: Journal, commanded: readonly Commanded[]): void {
  const acts = ['open', 'close', 'calibrate'];
  for (const { path, at, fields } of requests) {
    const action = path.slice(1);
    if (!acts.includes(action)) continue;
    const asked = commanded.filter((each) => each.lock === fields.identifier && fits(each.action, action));
    assert.ok(
      asked.some(({ until }) => at < until),
      `${path} was sent at ${at}, after every deadline`,
    );
  }
  // Where several commanded the same lock, each of its moves must be one that a command asked for, no command's twice.
  const open = [...commanded];
  for (const { lock: identifier, action, at } of actions) {
    const index = open.findIndex(
      (each) => each.lock === identifier && fits(each.action, action) && at < each.until + LATE_MS,
    );
    assert.notEqual(index, -1, `${action} of ${identifier} at ${at} was not asked for so often`);
    open.splice(index, 1);
  }
  for (const { lock: identifier, action, initially, ends } of commanded) {
    if (initially === undefined) continue;
    const moves = actions.filter((each) => each.lock === identifier).length;
    const what = `${action} of a lock that was ${initially} moved it ${moves} times, and ended: ${ends.join(', ')}`;
    assert.ok(moves <= 1, what);
    const [end] = ends;
    if (end === undefined || end === 'RESULT_UNKNOWN') continue;
    if (end !== 'ok') assert.equal(moves, 0, what);
    // A lost answer is settled by reading the lock, which may have been as wanted from the beginning.
    else assert.ok(moves === 1 || initially === WANTED[action], what);
  }
}

const WANTED: Readonly<Record<Action, string | undefined>> = {
  open: 'open',
  close: 'closed',
  toggle: undefined,
  calibrate: undefined,
};
/** From a request that left in time to the bolt: the gateway's own pace, and what a fault adds. */
const LATE_MS = 10_000;

function fits(asked: string, done: string): boolean {
  return asked === done || (asked === 'toggle' && done !== 'calibrate');
}

describe('the queue and the timestamps', () => {
  it('keep their promises under any interleaving', async function () {
    this.timeout(120_000);
    const runs = Number(process.env.PROPERTY_RUNS ?? 1000);
    await fc.assert(fc.asyncProperty(history, strictness, live), {
      numRuns: runs,
      ...(process.env.PROPERTY_SEED === undefined ? {} : { seed: Number(process.env.PROPERTY_SEED) }),
    });
    assert.ok(seen.actions > runs / 2 && seen.requests > seen.actions && seen.goneBack > 0, JSON.stringify(seen));
    if (process.env.PROPERTY_RUNS !== undefined) console.log(seen);
  });
});
