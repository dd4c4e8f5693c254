import assert from 'node:assert/strict';
import { silent } from '../../../src/common/log';
import { MemoryState } from '../../../src/state/local';
import { parseAddress } from '../../../src/thekeys/gateway-address';
import type { Gateway } from '../../../src/thekeys/gateway';
import { Gateways } from '../../../src/thekeys/gateways';
import { isStranger, locate, withRow, withSeen, type KnownGateway } from '../../../src/thekeys/known-gateways';
import type { Member } from '../../../src/thekeys/member';
import { Resolver } from '../../../src/thekeys/names';
import { SimulatedGateway } from '../../../simulators/gateway/gateway';
import { serve, type RunningGateway } from '../../../simulators/gateway/server';
import { HandClock, turn } from '../../support/clock';

const FRONT = { identifier: '1001', code: 'demo-front' };
const OPTIONS = { deadlineMs: 8000, timeoutMs: 5000, confirm: false };

describe('a gateway, however it is called', () => {
  let world: SimulatedGateway;
  let running: RunningGateway;
  let state: MemoryState;
  let gateways: Gateways;
  let names: Record<string, string | undefined>;
  let looked: string[];
  let warnings: string[];

  const build = (): Gateways =>
    new Gateways({
      stateFor: () => state,
      lookup: (host) => {
        looked.push(host);
        const found = names[host];
        if (found === undefined) return Promise.reject(Object.assign(new Error(), { code: 'EAI_AGAIN' }));
        return Promise.resolve([found]);
      },
      log: { ...silent, warn: (text) => warnings.push(text) },
      timing: { boltTravel: 20, readBackPauses: [30], breather: 0 },
    });
  const join = (host: string, more: object = {}): Member => {
    const address = parseAddress(`${host}:${running.port}`);
    const log = { ...silent, warn: (text: string) => warnings.push(text) };
    return gateways.join({ address, sharedState: '', ...FRONT, name: '', log, ...more });
  };
  const open = (member: Member, deadlineMs = OPTIONS.deadlineMs): Promise<unknown> =>
    member.run({ ...OPTIONS, deadlineMs }, (gateway, options) => gateway.open(FRONT, options));
  const rising = (): void => {
    const { timestamps, refusedTimestamps, maxInFlight } = world.journal;
    assert.deepEqual([refusedTimestamps, maxInFlight], [[], 1]);
    assert.ok(
      timestamps.every((each, index) => index === 0 || each > timestamps[index - 1]!),
      timestamps.join(' '),
    );
  };

  beforeEach(async () => {
    world = new SimulatedGateway({ locks: [FRONT] });
    running = await serve(world);
    state = new MemoryState();
    names = { 'thekeys.local': '127.0.0.1' };
    looked = [];
    warnings = [];
    gateways = build();
  });
  afterEach(() => running.close());

  it('is one object as localhost and as 127.0.0.1, and neither is looked up', async () => {
    assert.equal(await join('localhost').gateway(), await join('127.0.0.1').gateway());
    assert.deepEqual(looked, []);
  });

  it('gets one request at a time with rising timestamps, by its name, its address and as localhost', async () => {
    const members = ['thekeys.local', '127.0.0.1', 'localhost'].map((host) => join(host));
    for (let round = 0; round < 3; round++) await Promise.all(members.map((member) => open(member)));
    assert.equal(world.journal.timestamps.length, 9);
    rising();
  });

  it('is one object by its name and its address, whichever is used first', async () => {
    const byName = join('thekeys.local');
    assert.equal(await byName.gateway(), await join('127.0.0.1').gateway());
    await byName.leave();
    await gateways.closed();
    assert.equal(await join('127.0.0.1').gateway(), await join('thekeys.local').gateway());
  });

  it('sends an action by its name before a reading by its address that waits longer', async () => {
    const [byAddress, byName] = [join('127.0.0.1'), join('thekeys.local')];
    await Promise.all([byAddress.gateway(), byName.gateway()]);
    const read = byAddress.run(OPTIONS, (gateway, options) => gateway.status(options));
    const later = byAddress.run(OPTIONS, (gateway, options) => gateway.list(options));
    await Promise.all([read, later, open(byName)]);
    assert.deepEqual(world.journal.paths, ['/status', '/open', '/lockers']);
  });

  it('becomes one object as soon as its name can be looked up, and what follows it goes along', async () => {
    names = {};
    const byName = join('thekeys.local');
    const followed: Gateway[] = [];
    const left: Gateway[] = [];
    const end = byName.attach((gateway) => {
      followed.push(gateway);
      return () => left.push(gateway);
    });
    const alone = await byName.gateway();
    const byAddress = join('127.0.0.1');
    assert.notEqual(await byAddress.gateway(), alone);
    names = { 'thekeys.local': '127.0.0.1' };
    await assert.rejects(open(byName, 400), { code: 'GATEWAY_UNREACHABLE' });
    assert.deepEqual(world.journal.paths, [], 'the command that was for the other object is not sent by it');
    await Promise.all([open(byName), open(byAddress)]);
    const one = await byAddress.gateway();
    assert.deepEqual([followed, left], [[alone, one], [alone]]);
    end();
    assert.deepEqual(left, [alone, one]);
    rising();
  });

  it('is reached by the first command where its name can be looked up a moment later', async () => {
    names = {};
    const opened = open(join('thekeys.local'));
    await new Promise((resolve) => setTimeout(resolve, 50));
    names = { 'thekeys.local': '127.0.0.1' };
    await opened;
    rising();
  });

  it('keeps its timestamps rising when its address changes while it is in use, and says so before it signs', async () => {
    const member = join('thekeys.local');
    for (let count = 0; count < 6; count++) await open(member);
    await running.close();
    running = await serve(world, { host: '127.0.0.2', port: running.port });
    names['thekeys.local'] = '127.0.0.2';
    const before = world.journal.paths.length;
    await open(member);
    rising();
    assert.deepEqual(world.journal.paths.slice(before), ['/status', '/lockers', '/open']);
    assert.match(warnings.join(), /that was at 127\.0\.0\.1:\d+ is at 127\.0\.0\.2:\d+ now/);
  });

  it('is found by the address it had when its name cannot be looked up, also after a restart', async () => {
    const member = join('thekeys.local');
    await open(member);
    await member.leave();
    await gateways.closed();
    names = {};
    gateways = build();
    await open(join('thekeys.local'));
    rising();
  });

  it('is not reached by a name that cannot be looked up and never could be', async () => {
    names = {};
    const member = join('thekeys.local');
    await assert.rejects(open(member, 300), (error: Error) => {
      assert.match(error.message, /its name could not be looked up/);
      return true;
    });
    assert.deepEqual(world.journal.paths, []);
  });

  it('is reported when it is another one: none of its locks is known', async () => {
    const member = join('thekeys.local');
    await (await member.gateway()).list(OPTIONS);
    await running.close();
    world = new SimulatedGateway({ locks: [{ identifier: '2002', code: 'x' }] });
    running = await serve(world, { port: running.port });
    await (await member.gateway()).list(OPTIONS);
    assert.match(member.notice() ?? '', /may be another gateway/);
  });

  it('lends the code of its lock to all configurations of it, and its name to one', () => {
    const front = join('127.0.0.1', { identifier: '0001001', name: 'Front' });
    const back = join('localhost', { identifier: '1002', code: 'demo-back', name: 'Back' });
    assert.deepEqual(
      [front.codeFor('1002'), back.codeFor('1001'), back.codeFor('7')],
      ['demo-back', 'demo-front', 'demo-back'],
    );
    assert.equal(gateways.identifierNamed('Front'), '1001');
    assert.equal(gateways.nameOf('1002'), 'Back');
    join('localhost', { identifier: '1003', name: 'Front' });
    assert.equal(gateways.identifierNamed('Front'), undefined);
  });
});

describe('names of gateways', () => {
  it('get a second to be looked up, then the last address is used', async () => {
    const clock = new HandClock();
    let answer: (addresses: string[]) => void = () => undefined;
    const lookup = (): Promise<string[]> => new Promise((resolve) => (answer = resolve));
    const resolver = new Resolver({ lookup, clock, log: silent });
    resolver.remember('thekeys.local', '192.0.2.1');
    const first = resolver.resolve('thekeys.local');
    await clock.advance(999);
    let isDone = false;
    void first.then(() => (isDone = true));
    await turn();
    assert.equal(isDone, false);
    await clock.advance(1);
    assert.equal(await first, '192.0.2.1');
    assert.equal(await resolver.resolve('thekeys.local'), '192.0.2.1', 'while it hangs, nothing waits again');
    answer(['2001:db8::1', '192.0.2.2']);
    await turn();
    assert.equal(await resolver.resolve('thekeys.local'), '192.0.2.2');
  });
});

describe('what is kept of gateways', () => {
  const row: KnownGateway = { id: 'a:80', at: 'a:80', names: ['gw:80'], version: 65, locks: ['1'] };

  it('is one row for each, which moves with its name', () => {
    const moved = locate([row], 'gw:80', 'b:80');
    assert.deepEqual([moved.id, moved.at], ['a:80', 'b:80']);
    const next = locate(withRow([row], moved) as unknown as KnownGateway[], 'a:80', 'a:80');
    assert.equal(next.id, 'a:80#2', 'another one at the old address counts anew');
    assert.equal(locate([row], 'other:80', 'a:80').id, 'a:80');
  });

  it('is a stranger only where no lock is known, and not by its version alone', () => {
    assert.equal(isStranger(row, { version: 66, locks: ['1', '2'] }), false);
    assert.equal(isStranger(row, { version: 65, locks: ['2'] }), false);
    assert.equal(isStranger(row, { version: 66, locks: ['2'] }), true);
    assert.equal(isStranger(row, { version: 66, locks: [] }), false);
    assert.equal(withSeen(row, { version: 65, locks: ['1'] }), row);
    assert.deepEqual(withSeen(row, { locks: ['2'] }).locks, ['2', '1']);
  });
});
