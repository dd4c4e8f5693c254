/**
 * Whatever homes send, the lock does and the network loses: homes are never shown anything but the last reading or nothing,
 * and no bolt moves after the home that asked has given up, or without its PIN. With our gateway's client and the simulated
 * gateway, under a clock of the test's own.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { silent } from '../../../src/common/log';
import type { LockUpdate } from '../../../src/matter/bridge';
import { LockOnBridge } from '../../../src/matter/bridged-lock';
import type { BoltAction, LockEvent, Refusal, ShownLock } from '../../../src/matter/port';
import { MemoryState } from '../../../src/state/local';
import { PinAttempts } from '../../../src/state/pin-attempts';
import { FAULT_KINDS } from '../../../simulators/gateway/faults';
import { REALISTIC_TIMES, SimulatedGateway } from '../../../simulators/gateway/gateway';
import { HandClock, turn } from '../../support/clock';
import { clientOf } from '../../support/in-process';

const SHARE = { identifier: '1001', code: 'obviously-made-up' };
const PIN = '4711';
/** When the engines of homes give a command up (measured: 11.5 s). */
const HOME_GIVES_UP_MS = 11_000;

type Step =
  | { do: 'command'; action: BoltAction; pin: string; ageMs: number }
  | { do: 'wait'; ms: number }
  | { do: 'turn'; to: 'open' | 'closed' }
  | { do: 'away'; ms: number }
  | { do: 'jam' }
  | { do: 'deploy' };

const action = fc.constantFrom<BoltAction>('open', 'close');
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant('command' as const),
      action,
      pin: fc.constantFrom(PIN, PIN, '', '1234'),
      ageMs: fc.constantFrom(0, 0, 0, 1900, 2500, 20_000),
    }),
  },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), ms: fc.integer({ min: 0, max: 15_000 }) }) },
  fc.record({ do: fc.constant('turn' as const), to: fc.constantFrom('open' as const, 'closed' as const) }),
  fc.record({ do: fc.constant('away' as const), ms: fc.integer({ min: 100, max: 20_000 }) }),
  fc.constant({ do: 'jam' as const }),
  fc.constant({ do: 'deploy' as const }),
);
const story = fc.record({
  steps: fc.array(step, { minLength: 1, maxLength: 10 }),
  faults: fc.record({
    seed: fc.nat(),
    rate: fc.constantFrom(0, 0, 0.2, 0.6),
    kinds: fc.subarray(FAULT_KINDS, { minLength: 1 }),
  }),
  replyTimeoutMs: fc.constantFrom(1, 2000, 8000),
});
type Story = typeof story extends fc.Arbitrary<infer T> ? T : never;

interface Asked {
  action: BoltAction;
  /** When it reached this machine. */
  came: number;
  isAllowed: boolean;
}

/** Over all runs, so that a test that tested nothing would show. */
const seen = { moves: 0, accepted: 0, refused: 0, shown: 0, operations: 0 };

class World {
  readonly clock = new HandClock();
  readonly gateway = new SimulatedGateway({ locks: [SHARE], clock: this.clock, times: REALISTIC_TIMES });
  readonly client = clientOf(this.gateway, this.clock);
  readonly asked: Asked[] = [];
  /** What was seen and must not be: kept, for some who call would swallow an error. */
  private readonly wrong: string[] = [];
  private readonly pins = new PinAttempts({ state: new MemoryState(), clock: this.clock, key: 'pins' });
  private lock: LockOnBridge;
  private shown: ShownLock['bolt'] = null;
  /** What was read last, as a person with a pencil would keep it. */
  private read: { state: LockUpdate['state']; jammed: boolean; isOut: boolean } = {
    state: null,
    jammed: false,
    isOut: false,
  };

  constructor(private readonly told: Story) {
    this.lock = this.deployed();
    this.gateway.faults.random(told.faults);
    this.client.watch(
      { share: SHARE, intervalMs: 4000, timeoutMs: 5000 },
      {
        onReading: ({ state }) => this.update({ state }),
        onTrouble: () => this.update({ reachable: false }),
        onTroubleLasts: () => this.update({ reachable: false }),
        onRecovered: () => undefined,
      },
    );
  }

  async run(): Promise<void> {
    for (const each of this.told.steps) await this.take(each);
    await this.clock.advance(90_000);
    this.judge();
  }

  private deployed(): LockOnBridge {
    const { clock, pins } = this;
    const { replyTimeoutMs } = this.told;
    return new LockOnBridge({
      lock: {
        id: 'front',
        name: 'Front door',
        serial: SHARE.identifier,
        battery: true,
        door: false,
        pinFor: 'release',
        pin: PIN,
        appCodes: false,
        replyTimeoutMs,
        onCommand: async ({ action: verb, deadlineMs, signal }) => {
          await this.client[verb](SHARE, { deadlineMs, timeoutMs: 5000, confirm: true, signal });
          this.read.jammed = false;
        },
      },
      clock,
      log: silent,
      pins,
      uptime: () => clock.elapsed(),
      homeOf: () => 'home',
      post: (message) => ('shown' in message ? this.show(message.shown) : this.event(message.event)),
    });
  }

  private async take(each: Step): Promise<void> {
    if (each.do === 'command') this.command(each);
    else if (each.do === 'wait') await this.clock.advance(each.ms);
    else if (each.do === 'turn') this.gateway.lock('1001').turnByHand(each.to);
    else if (each.do === 'away') this.gateway.goAway(each.ms);
    else if (each.do === 'jam') this.update({ jammed: true });
    else {
      const before = this.lock;
      before.close();
      this.lock = this.deployed();
      this.lock.inherit(before);
    }
    await turn();
  }

  private command({ action: verb, pin, ageMs }: Step & { do: 'command' }): void {
    const came = this.clock.elapsed() - ageMs;
    const asked: Asked = { action: verb, came, isAllowed: verb === 'close' || pin === PIN };
    this.asked.push(asked);
    const origin = { fabric: 1, controller: '1', user: null };
    const answer = this.lock.command({ type: 'command', command: 0, id: 'front', action: verb, pin, origin, at: came });
    void answer.then((refusal) => this.answered(asked, refusal));
  }

  private answered(asked: Asked, refusal: Refusal | undefined): void {
    const late = this.clock.elapsed() - asked.came - this.told.replyTimeoutMs;
    if (refusal === undefined) seen.accepted += 1;
    else seen.refused += 1;
    // What was late when it came is answered as soon as it is looked at.
    if (late > 0 && refusal === undefined) this.wrong.push(`accepted ${late} ms after its time`);
    if (refusal === 'late' && late > 0) asked.isAllowed = false;
    if (refusal === 'wrong PIN' || refusal === 'locked out') asked.isAllowed = false;
  }

  private update(update: LockUpdate): void {
    const { state, jammed } = this.read;
    if (update.reachable === false) this.read = { state: null, jammed: false, isOut: true };
    else if (update.jammed === true) this.read.jammed = !this.read.isOut;
    else this.read = { state: update.state ?? null, jammed: jammed && update.state === state, isOut: false };
    this.lock.update(update);
    if (this.shown !== this.last) this.wrong.push(`${this.shown} after ${JSON.stringify(update)}`);
  }

  private get last(): ShownLock['bolt'] {
    const { state, jammed } = this.read;
    if (jammed) return 'jammed';
    return state === 'open' ? 'unlocked' : state === 'closed' ? 'locked' : null;
  }

  private show({ bolt, reachable }: ShownLock): void {
    seen.shown += 1;
    this.shown = bolt;
    if (bolt !== this.last || reachable !== (bolt !== null))
      this.wrong.push(`${bolt} was shown, ${this.last} was read`);
  }

  private event(event: LockEvent): void {
    if (event.type !== 'operation') return;
    seen.operations += 1;
    if (this.last !== (event.action === 'open' ? 'unlocked' : 'locked')) this.wrong.push(`${event.action}, not read`);
  }

  private judge(): void {
    assert.deepEqual(this.wrong, []);
    const { requests, actions } = this.gateway.journal;
    for (const { path, at } of requests) {
      const verb = path.slice(1);
      if (verb !== 'open' && verb !== 'close') continue;
      const why = this.asked.filter((each) => each.action === verb && each.isAllowed && each.came <= at);
      assert.ok(
        why.some(({ came }) => at - came < HOME_GIVES_UP_MS),
        `${verb} was sent at ${at}; asked for: ${JSON.stringify(this.asked)}`,
      );
    }
    for (const verb of ['open', 'close']) {
      const moves = actions.filter((each) => each.action === verb).length;
      const wanted = this.asked.filter((each) => each.action === verb && each.isAllowed).length;
      assert.ok(moves <= wanted, `${moves} times ${verb}, asked for ${wanted} times`);
      seen.moves += moves;
    }
  }
}

describe('the truth about a lock on a Matter bridge', () => {
  it('holds whatever homes, lock, gateway and deploys do', async function () {
    this.timeout(120_000);
    const runs = Number(process.env.PROPERTY_RUNS ?? 80);
    await fc.assert(
      fc.asyncProperty(story, (told) => new World(told).run()),
      {
        numRuns: runs,
        ...(process.env.PROPERTY_SEED === undefined ? {} : { seed: Number(process.env.PROPERTY_SEED) }),
      },
    );
    for (const count of Object.values(seen)) assert.ok(count > runs / 20, JSON.stringify(seen));
  });
});
