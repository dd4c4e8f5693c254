/** The books of a fault campaign: a count that cannot be other than 0 would prove nothing. */
import assert from 'node:assert/strict';
import { Ledger, type Command, type Tally } from '../../../faults/ledger';
import { SimulatedGateway } from '../../../simulators/gateway/gateway';

describe('the books of a fault campaign', () => {
  let gateway: SimulatedGateway;
  let ledger: Ledger;
  const command = (change: Partial<Command> = {}): void => {
    ledger.command({
      id: 1,
      gateway: 0,
      lock: '10001',
      initialState: 'closed',
      action: 'open',
      deadlineMs: 3000,
      confirm: false,
      sentAt: 1000,
      ...change,
    });
    ledger.hear({ event: 'sent', id: change.id ?? 1, taken: true, at: 1_000_000 });
  };
  const request = (at: number, ts: string, inFlight = 1): void =>
    void gateway.journal.requests.push({
      at,
      method: 'POST',
      path: '/open',
      fields: { identifier: '10001', ts },
      inFlight,
    });
  const move = (at: number): void => void gateway.journal.actions.push({ lock: '10001', action: 'open', ts: 1, at });
  const end = (code?: string, at = 2000): void =>
    ledger.hear({ event: 'complete', node: 'action', id: 1, at: at * 1000, ...(code === undefined ? {} : { code }) });
  const tell = (state: string, confirmed = true): void =>
    ledger.hear({
      event: 'output',
      node: 'sink',
      at: 2_000_000,
      message: { probe: 1, payload: { identifier: '10001', state, confirmed } },
    });
  const faults = (): Partial<Tally> => {
    const { evidence, commands, outcomes, requests, executed, timestampsTriedAgain, ...counts } = ledger.tally([
      gateway,
    ]);
    assert.equal(timestampsTriedAgain, triedAgain);
    assert.equal(
      evidence.length > 0 || counts.processDeaths > 0,
      Object.values(counts).some((count) => count > 0),
    );
    assert.ok(commands + requests + executed + Object.keys(outcomes).length > 0);
    return Object.fromEntries(Object.entries(counts).filter(([, count]) => count > 0));
  };

  let triedAgain: number;
  beforeEach(() => {
    triedAgain = 0;
    gateway = new SimulatedGateway({ locks: [] });
    ledger = new Ledger(new Set(['action']));
  });

  it('find nothing in a command that was carried out', () => {
    command();
    request(1500, '1');
    move(1510);
    end();
    tell('open');
    assert.deepEqual(faults(), {});
  });

  it('find an action that waited behind a lost poll for longer than it had to', () => {
    const list = (at: number): void =>
      void gateway.journal.requests.push({ at, method: 'GET', path: '/lockers', fields: {}, inFlight: 1 });
    command({ deadlineMs: 12_000 });
    list(900);
    ledger.disturbance('lost poll', 900, 900);
    request(6500, '1');
    move(6510);
    end(undefined, 6600);
    assert.deepEqual(faults(), { leftLate: 1 });
    ledger.disturbance('gateway gone', 1000, 4000);
    assert.deepEqual(faults(), {}, 'its turn could not have come before');
  });

  it('find an action that never left, though nothing was in its way', () => {
    command({ deadlineMs: 12_000 });
    end('EXPIRED', 13_000);
    assert.deepEqual(faults(), { leftLate: 1 });
  });

  it('find nothing in an action that left in time and came late, as the process was stopped on the way', () => {
    command();
    request(6500, '2');
    ledger.departed('10001', '2', 3990);
    end('RESULT_UNKNOWN', 6600);
    assert.deepEqual(faults(), {});
  });

  const wrongs: [string, Partial<Tally>, () => void][] = [
    [
      'a second execution',
      { executedTwice: 1 },
      () => {
        move(1600);
        end();
      },
    ],
    [
      'a request after the deadline',
      { executedLate: 1 },
      () => {
        request(4500, '2');
        end();
      },
    ],
    [
      'an action that left after its deadline',
      { executedLate: 1 },
      () => {
        request(4100, '2');
        ledger.departed('10001', '2', 4050);
        end();
      },
    ],
    [
      'a timestamp used twice',
      { timestampsReused: 1 },
      () => {
        request(1600, '1');
        end();
      },
    ],
    [
      'overlapping requests',
      { overlapping: 1 },
      () => {
        request(1600, '2', 2);
        end();
      },
    ],
    ['a command that never ends', { doneMissing: 1 }, () => undefined],
    [
      'a command that ends twice',
      { doneTwice: 1 },
      () => {
        end();
        end('EXPIRED');
      },
    ],
    [
      'a state that the lock did not have',
      { statesInvented: 1, outcomesWrong: 1 },
      () => {
        end();
        tell('unheard of');
      },
    ],
    ['"not sent" of what was executed', { outcomesWrong: 1 }, () => end('EXPIRED')],
    ['"refused" of what was executed', { outcomesWrong: 1 }, () => end('GATEWAY_BUSY')],
    ['the end of the process', { processDeaths: 1 }, () => ledger.died()],
  ];
  for (const [name, expected, happen] of wrongs) {
    it(`find ${name}`, () => {
      command();
      request(1500, '1');
      move(1510);
      happen();
      assert.deepEqual(faults(), expected);
    });
  }

  it('tell a timestamp that was used again from one that the clock of the gateway had refused', () => {
    command();
    for (const outcome of ['refused 38', 'refused 38, slow', 'ok']) {
      request(1500, '7');
      gateway.journal.requests.at(-1)!.outcome = outcome;
    }
    move(1510);
    end();
    triedAgain = 2;
    assert.deepEqual(faults(), {});
    request(1600, '7');
    assert.deepEqual(faults(), { timestampsReused: 1 });
  });

  it('find nothing in "nobody knows" of what was executed', () => {
    command();
    request(1500, '1');
    move(1510);
    end('RESULT_UNKNOWN');
    assert.deepEqual(faults(), {});
  });

  it('say of a command that never ended where to look: in the node, or before it', () => {
    const lastWords = (): string => ledger.tally([gateway]).evidence.join();
    command();
    assert.match(lastWords(), /never ended; handed over after 0 ms/);
    ledger.hear({ event: 'sent', id: 1, taken: true, at: 1_000_000, problem: 'TypeError: x' });
    assert.match(lastWords(), /never ended; handing it over threw TypeError: x/);
  });

  it('find "done" of what the lock did not do, unless it was so from the beginning', () => {
    command();
    end();
    assert.deepEqual(faults(), { outcomesWrong: 1 });
    ledger = new Ledger(new Set(['action']));
    command({ initialState: 'open' });
    end();
    assert.deepEqual(faults(), {});
  });

  it('expect no end of what a killed process had taken', () => {
    command();
    ledger.killed();
    assert.deepEqual(faults(), {});
  });
});
