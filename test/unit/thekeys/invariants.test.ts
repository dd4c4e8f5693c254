/**
 * Whatever happens, in whatever order (commands with all sorts of deadlines, faults, kills and restarts, wall clocks set
 * back and forward): one request at a time, timestamps that only grow, no action twice, none after its deadline, and each
 * command ends exactly once.
 */
import assert from 'node:assert/strict';
import { setMaxListeners } from 'node:events';
import fc from 'fast-check';
import { SimulatedGateway, type FaultKind } from '../../../src/simulator/gateway';
import { LocalState } from '../../../src/state/local';
import type { Json } from '../../../src/state/state';
import { parseAddress } from '../../../src/thekeys/address';
import type { CodedError } from '../../../src/common/errors';
import { GATEWAY_ERROR_CODES } from '../../../src/thekeys/errors';
import { Gateway } from '../../../src/thekeys/gateway';
import { HandClock, turn } from '../../support/clock';
import { inProcess } from '../../support/in-process';

const LOCKS = [
  { identifier: '1001', code: 'demo-front-code' },
  { identifier: '1002', code: 'demo-back-code' },
];

/** What survives `kill -9`: a value counts as kept only some time after it was handed over. */
class SlowDisk extends LocalState {
  constructor(
    private readonly kept: Map<string, Json>,
    private readonly clock: HandClock,
    private readonly alive: () => boolean,
  ) {
    super();
  }
  get(key: string): Promise<Json | undefined> {
    return Promise.resolve(this.kept.get(key));
  }
  protected async keep(key: string, value: Json | undefined): Promise<void> {
    await new Promise<void>((resolve) => this.clock.after(20, resolve));
    if (this.alive() && value !== undefined) this.kept.set(key, value);
  }
}

type Step =
  | { kind: 'act'; action: 'open' | 'close' | 'toggle' | 'calibrate'; lock: number; deadline: number; confirm: boolean }
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
      lock,
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
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('setWall' as const), seconds: fc.integer({ min: -7200, max: 7200 }) }),
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

interface Told {
  ended: number;
  /** Started by a process that was killed since: it cannot end. */
  killed: boolean;
}

/** Any number of commands may listen to it. */
function patient(): AbortController {
  const controller = new AbortController();
  setMaxListeners(0, controller.signal);
  return controller;
}

async function live(steps: readonly Step[]): Promise<void> {
  const clock = new HandClock();
  const world = new SimulatedGateway({
    locks: LOCKS,
    clock,
    times: { latencyMs: 100, bleMs: 1000, travelMs: 5000, synchronizeMs: 20_000 },
    answerWork: 'at-once',
  });
  const kept = new Map<string, Json>();
  const told: Told[] = [];
  /** Each action that was asked for: the wall clock plays no part in it. */
  const wanted: { lock: string; action: string; until: number }[] = [];
  let life = new AbortController();
  let giveUp = patient();

  const begin = (): Gateway => {
    const mine = life;
    return new Gateway({
      address: parseAddress('gateway.test'),
      state: new SlowDisk(kept, clock, () => !mine.signal.aborted),
      warn: () => undefined,
      clock,
      transport: inProcess(world, clock, mine.signal),
      random: () => 0.5,
    });
  };
  let gateway = begin();

  const follow = (command: Promise<unknown>): void => {
    const entry: Told = { ended: 0, killed: false };
    told.push(entry);
    command.then(
      () => (entry.ended += 1),
      (error: unknown) => {
        entry.ended += 1;
        assert.ok((GATEWAY_ERROR_CODES as string[]).includes((error as CodedError).code), String(error));
      },
    );
  };

  for (const now of steps) {
    switch (now.kind) {
      case 'act': {
        const share = LOCKS[now.lock]!;
        const options = {
          deadlineMs: now.deadline,
          timeoutMs: 20_000,
          confirm: now.confirm,
          signal: giveUp.signal,
        };
        wanted.push({ lock: share.identifier, action: now.action, until: clock.elapsed() + now.deadline });
        follow(gateway[now.action](share, options));
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
        for (const entry of told) if (entry.ended === 0) entry.killed = true;
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
  const accepted = journal.actions.map(({ ts }) => ts);
  assert.equal(new Set(accepted).size, accepted.length, 'an action ran twice');
  const perProcess = journal.timestamps;
  for (let index = 1; index < perProcess.length; index++) {
    assert.ok(perProcess[index]! > perProcess[index - 1]!, `timestamps ${perProcess.join(' ')}`);
  }
  assert.equal(journal.refusedTimestamps.length, 0);
  for (const { ended, killed } of told) {
    assert.ok(ended === 1 || (killed && ended === 0), `a command ended ${ended} times`);
  }
  assert.ok(journal.maxInFlight <= 1, 'requests overlapped');
  assertEachWanted(journal.actions, wanted);
  for (const { path, at, fields } of journal.requests) {
    const action = path.slice(1);
    if (!['open', 'close', 'calibrate'].includes(action)) continue;
    assert.ok(
      wanted.some((each) => each.lock === fields.identifier && fits(each.action, action) && at < each.until),
      `${path} was sent at ${at}, after every deadline`,
    );
  }
  seen.requests += journal.requests.length;
  seen.actions += journal.actions.length;
  seen.commands += told.length;
}

/** Over all runs, so that a test that tested nothing would show. */
const seen = { requests: 0, actions: 0, commands: 0 };

function fits(asked: string, done: string): boolean {
  return asked === done || (asked === 'toggle' && done !== 'calibrate');
}

/** Every move of a bolt was asked for once, and began before the deadline of the command that asked for it. */
function assertEachWanted(
  actions: readonly { lock: string; action: string; at: number }[],
  wanted: { lock: string; action: string; until: number }[],
): void {
  const open = [...wanted];
  for (const { lock: identifier, action } of actions) {
    const index = open.findIndex((each) => each.lock === identifier && fits(each.action, action));
    assert.notEqual(index, -1, `${action} of ${identifier} was not asked for so often`);
    open.splice(index, 1);
  }
}

describe('the queue and the timestamps', () => {
  it('keep their promises under any interleaving', async function () {
    this.timeout(120_000);
    const runs = Number(process.env.PROPERTY_RUNS ?? 1000);
    await fc.assert(fc.asyncProperty(fc.array(step, { minLength: 3, maxLength: 30 }), live), {
      numRuns: runs,
      ...(process.env.PROPERTY_SEED === undefined ? {} : { seed: Number(process.env.PROPERTY_SEED) }),
    });
    assert.ok(seen.actions > runs / 2 && seen.requests > seen.actions, JSON.stringify(seen));
    if (process.env.PROPERTY_RUNS !== undefined) console.log(seen);
  });
});
