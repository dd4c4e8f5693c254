import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { SimulatedGateway, type SimulatedGatewayOptions } from '../../../simulators/gateway/gateway';
import type { SimulatedAnswer } from '../../../simulators/gateway/wire';
import { HandClock } from '../../support/clock';

const FRONT = { identifier: '45961123', code: 'demo-share-code-1' };
const BACK = { identifier: '45961124', code: 'demo-share-code-2' };

describe('the simulated gateway', () => {
  let clock: HandClock;
  let gateway: SimulatedGateway;
  let ts: number;

  const build = (options: Partial<SimulatedGatewayOptions> = {}): SimulatedGateway => {
    gateway = new SimulatedGateway({ locks: [FRONT, BACK], clock, ...options });
    return gateway;
  };
  const hashOf = (text: string, code: string): string => createHmac('sha256', code).update(text).digest('base64');
  const form = (lock = FRONT, at: number | string = ++ts): string =>
    String(new URLSearchParams({ identifier: lock.identifier, ts: String(at), hash: hashOf(String(at), lock.code) }));
  const get = (path: string): Promise<SimulatedAnswer> => gateway.handle({ method: 'GET', path });
  const post = (path: string, body = ''): Promise<SimulatedAnswer> => gateway.handle({ method: 'POST', path, body });
  const bodyOf = (answer: SimulatedAnswer): unknown => {
    assert.ok(answer.kind === 'answer', answer.kind);
    return JSON.parse(answer.body);
  };
  const ok = { status: 'ok', code: 0 };
  const codeOf = async (answer: Promise<SimulatedAnswer>): Promise<unknown> =>
    (bodyOf(await answer) as { code?: unknown }).code;

  beforeEach(() => {
    clock = new HandClock();
    ts = 1_700_000_000;
    build();
  });

  describe('speaks as gateways in the field do', () => {
    it('lists the locks with a log counter, and tells its own version as a text', async () => {
      const { status, devices } = bodyOf(await get('/lockers')) as {
        status: string;
        devices: Record<string, number>[];
      };
      assert.equal(status, 'ok');
      assert.deepEqual(Object.keys(devices[0]!), ['identifier', 'rssi', 'battery', 'last_log']);
      assert.deepEqual(
        devices.map(({ identifier }) => identifier),
        [45961123, 45961124],
      );
      assert.deepEqual(bodyOf(await get('/status')), { version: '65', current_status: 'Scanning...' });
      assert.deepEqual(bodyOf(await get('/')), { version: '65', current_status: 'Scanning...' });
    });

    it('opens, closes and reads a lock', async () => {
      assert.deepEqual(bodyOf(await post('/open', form())), ok);
      const open = bodyOf(await post('/locker_status', form())) as Record<string, unknown>;
      assert.equal(open.status, 'Door open');
      assert.equal(open.code, 50);
      assert.equal(open.id, 45961123);
      assert.deepEqual(bodyOf(await post('/close', form())), ok);
      assert.equal(await codeOf(post('/locker_status', form())), 49);
      assert.deepEqual(
        gateway.journal.actions.map(({ lock, action }) => `${lock} ${action}`),
        ['45961123 open', '45961123 close'],
      );
    });

    it('keeps two locks with their own codes apart', async () => {
      await post('/open', form(BACK));
      assert.equal(gateway.lock(BACK.identifier).state, 'open');
      assert.equal(gateway.lock(FRONT.identifier).state, 'closed');
      assert.equal(await codeOf(post('/open', form({ ...BACK, code: FRONT.code }))), 33);
    });

    it('can send numbers as texts, no log counter, nothing at all for a lock synchronization', async () => {
      build({ numericStrings: true, lastLog: false, emptyLockerAnswers: true });
      const { devices } = bodyOf(await get('/lockers')) as { devices: Record<string, unknown>[] };
      assert.deepEqual(Object.keys(devices[0]!), ['identifier', 'rssi', 'battery']);
      assert.equal(devices[0]!.identifier, '45961123');
      assert.deepEqual(bodyOf(await post('/open', form())), { status: 'ok', code: '0' });
      const answer = await post('/locker/synchronize', 'identifier=45961123');
      assert.equal(answer.kind === 'answer' && answer.body, '');
    });

    it('can speak as the vendor documents it', async () => {
      build({ dialect: 'documented', version: 16 });
      assert.deepEqual(bodyOf(await post('/open', form())), { status: '0', code: 'ok' });
      assert.deepEqual(bodyOf(await post('/locker/synchronize', 'identifier=45961123')), { status: '0', code: 'ok' });
      assert.deepEqual(bodyOf(await get('/synchronize')), ok);
      assert.deepEqual(bodyOf(await post('/open', form(FRONT, 5))), { status: '33' });
      assert.deepEqual(bodyOf(await post('/open', 'identifier=1&hash=x')), { status: '400', code: 'timestamp' });
      gateway.faults.next({ kind: 'busy' });
      assert.deepEqual(bodyOf(await get('/lockers')), { status: '500', message: 'busy' });
      const { devices } = bodyOf(await get('/lockers')) as { devices: object[] };
      assert.deepEqual(Object.keys(devices[0]!), ['identifier', 'rssi', 'battery']);
    });

    it('answers reads and synchronizations by POST too, as a published client sends them', async () => {
      for (const path of ['/lockers', '/status', '/', '/synchronize']) {
        const [got, posted] = [await get(path), await post(path, form())];
        assert.deepEqual(Object.keys(bodyOf(posted) as object), Object.keys(bodyOf(got) as object), path);
      }
    });

    it('can say the time, by its own clock', async () => {
      const dateOf = async (): Promise<unknown> => {
        const answer = await get('/status');
        return answer.kind === 'answer' && answer.headers.Date;
      };
      assert.equal(await dateOf(), undefined);
      build({ date: true }).clockOffsetMs = -3_600_000;
      assert.equal(await dateOf(), new Date(clock.now() - 3_600_000).toUTCString());
    });

    it('says busy in each of its three ways', async () => {
      for (const [busy, body] of [
        ['message', { status: '500', message: 'busy' }],
        ['ko', { status: 'ko', code: 500, cause: 'busy' }],
        ['already-started', { status: 'ko', code: 400, cause: 'action already started' }],
      ] as const) {
        build({ busy });
        gateway.faults.next({ kind: 'busy' });
        assert.deepEqual(bodyOf(await post('/open', form())), body);
      }
    });

    it('can give refusals an HTTP status of their own', async () => {
      build({ errorStatus: 500 });
      const answer = await post('/open', 'identifier=9&ts=1&hash=x');
      assert.equal(answer.kind === 'answer' && answer.status, 500);
      assert.deepEqual(bodyOf(answer), { status: 'ko', code: 32, cause: 'locker not shared' });
    });
  });

  describe('is strict', () => {
    it('names the parameter that is missing', async () => {
      for (const [body, name] of [
        ['ts=1&hash=x', 'identifier'],
        ['identifier=45961123&hash=x', 'timestamp'],
        ['identifier=45961123&ts=1', 'hash'],
      ] as const) {
        const answer = bodyOf(await post('/open', body)) as { code: number; cause: string };
        assert.equal(answer.code, 400);
        assert.match(answer.cause, new RegExp(name));
      }
      assert.match(JSON.stringify(bodyOf(await post('/locker/update'))), /identifier/);
    });

    it('takes the published signatures, and not the same with a plus left as it is', async () => {
      build({ locks: [{ identifier: '7', code: 'Zmo1sps2OVyCFtl1' }] });
      const raw = 's7VR2V5Q+jYmOmJM8CL0aOQri6PF5Hfw8euVJ93EAJI=';
      assert.equal(await codeOf(post('/open', `identifier=7&ts=1700000000&hash=${raw}`)), 33);
      assert.equal(await codeOf(post('/open', `identifier=7&ts=1700000000&hash=${encodeURIComponent(raw)}`)), 0);
    });

    it('takes a timestamp once and never an older one, for all its locks together', async () => {
      assert.equal(await codeOf(post('/open', form(FRONT, 1_700_000_100))), 0);
      assert.equal(await codeOf(post('/close', form(FRONT, 1_700_000_100))), 33);
      assert.equal(await codeOf(post('/open', form(BACK, 1_700_000_099))), 33);
      assert.equal(await codeOf(post('/open', form(BACK, 1_700_000_101))), 0);
      assert.deepEqual(
        gateway.journal.refusedTimestamps.map(({ ts: refused, reason }) => [refused, reason]),
        [
          ['1700000100', 'repeated'],
          ['1700000099', 'older'],
        ],
      );
      assert.deepEqual(gateway.journal.timestamps, [1_700_000_100, 1_700_000_100, 1_700_000_099, 1_700_000_101]);
    });

    it('does not let a wrongly signed request use up its timestamp', async () => {
      assert.equal(await codeOf(post('/open', form({ ...FRONT, code: 'wrong' }, 1_700_000_100))), 33);
      assert.equal(await codeOf(post('/open', form(FRONT, 1_700_000_100))), 0);
    });

    it('can compare timestamps with its own clock', async () => {
      build({ clockTolerance: 30, clockRefusal: 38 });
      assert.equal(await codeOf(post('/open', form(FRONT, 1_700_000_031))), 38);
      assert.equal(await codeOf(post('/open', form(FRONT, 1_700_000_030))), 0);
      gateway.clockOffsetMs = 3_600_000;
      assert.equal(await codeOf(post('/open', form(FRONT, 1_700_000_040))), 38);
    });

    it('refuses wrong methods and unknown paths', async () => {
      for (const [method, path, status] of [
        ['GET', '/open', 405],
        ['PUT', '/lockers', 405],
        ['GET', '/close', 405],
        ['GET', '/locker/update', 405],
        ['GET', '/nowhere', 404],
      ] as const) {
        const answer = await gateway.handle({ method, path, body: form() });
        assert.equal(answer.kind === 'answer' && answer.status, status, path);
      }
      build({ updateMethods: ['POST'] });
      const refused = await get('/update');
      assert.equal(refused.kind === 'answer' && refused.status, 405);
      assert.deepEqual(bodyOf(await post('/update')), ok);
    });

    it('tells what is wrong with a lock', async () => {
      const lock = gateway.lock(FRONT.identifier);
      assert.equal(await codeOf(post('/open', form({ identifier: '1', code: 'any' }))), 32);
      lock.inSight = false;
      assert.equal(await codeOf(post('/open', form())), 34);
      assert.equal(await codeOf(post('/locker/synchronize', 'identifier=45961123')), 1);
      assert.equal((bodyOf(await get('/lockers')) as { devices: unknown[] }).devices.length, 1);
      lock.inSight = true;
      lock.compatible = false;
      assert.equal(await codeOf(post('/open', form())), 35);
      assert.equal(await codeOf(post('/locker/synchronize', 'identifier=45961123')), 2);
      lock.compatible = true;
      lock.radioFails = true;
      assert.equal(await codeOf(post('/open', form())), 37);
      assert.equal(await codeOf(post('/locker/synchronize', 'identifier=45961123')), 4);
      lock.radioFails = false;
      lock.keyKnown = false;
      assert.equal(await codeOf(post('/open', form())), 36);
      assert.equal(await codeOf(post('/locker/synchronize', 'identifier=45961123')), 0);
      assert.equal(await codeOf(post('/open', form())), 0);
      gateway.cloud = 'invalid';
      assert.equal(await codeOf(post('/locker/synchronize', 'identifier=45961123')), 3);
      assert.equal(await codeOf(post('/update')), 1);
      gateway.cloud = 'unavailable';
      assert.equal(await codeOf(post('/update')), 2);
    });

    it('lost its clock: refuses until it is synchronized', async () => {
      gateway.faults.next({ kind: 'clock-invalid' });
      assert.equal(await codeOf(post('/open', form())), 38);
      assert.equal(await codeOf(post('/open', form())), 38);
      assert.deepEqual(bodyOf(await get('/synchronize')), ok);
      assert.equal(await codeOf(post('/open', form())), 0);
    });

    it('does one thing at a time', async () => {
      build({ times: { bleMs: 3000 } });
      const first = post('/open', form());
      const second = post('/close', form(BACK));
      const third = get('/lockers');
      assert.deepEqual(bodyOf(await second), { status: '500', message: 'busy' });
      assert.deepEqual(bodyOf(await third), { status: '500', message: 'busy' });
      await clock.advance(3000);
      assert.deepEqual(bodyOf(await first), ok);
      assert.equal(gateway.journal.maxInFlight, 3);
      assert.equal(gateway.journal.actions.length, 1);
    });
  });

  it('can drop what comes while it works, or answer reads all the same', async () => {
    build({ times: { bleMs: 3000 }, overlap: 'drop', overlappingReads: true });
    const first = post('/open', form());
    assert.deepEqual(await post('/close', form(BACK)), { kind: 'dropped' });
    assert.equal((await get('/lockers')).kind, 'answer');
    await clock.advance(3000);
    assert.deepEqual(bodyOf(await first), ok);
  });

  it('forgets a request whose sender has left, and goes on with it', async () => {
    build({ times: { bleMs: 3000 } });
    const gone = new AbortController();
    const opening = gateway.handle({ method: 'POST', path: '/open', body: form() }, { gone: gone.signal });
    gone.abort();
    const next = post('/close', form());
    await clock.advance(3000);
    await opening;
    assert.deepEqual(bodyOf(await next), { status: '500', message: 'busy' });
    assert.equal(gateway.journal.maxInFlight, 1);
    assert.equal(gateway.lock(FRONT.identifier).state, 'open');
  });

  describe('is a world where things take time', () => {
    it('reads the old state while the bolt travels, and counts the movement when it arrived', async () => {
      build({ times: { travelMs: 5000 }, answerMoves: 'before' });
      const lock = gateway.lock(FRONT.identifier);
      const log = lock.lastLog;
      assert.deepEqual(bodyOf(await post('/open', form())), ok);
      assert.equal(lock.state, 'closed');
      assert.deepEqual(bodyOf(await post('/locker_status', form())), {
        status: 'ko',
        code: 400,
        cause: 'action already started',
      });
      await clock.advance(5000);
      assert.equal(lock.state, 'open');
      assert.equal(lock.lastLog, log + 1);
      assert.equal(await codeOf(post('/locker_status', form())), 50);
    });

    it('lets others move a lock, which the gateway learns by its counter only, when it begins or when it ends', async () => {
      build({ locks: [FRONT, { ...BACK, counts: 'start' }] });
      for (const [share, during] of [
        [FRONT, 100],
        [BACK, 101],
      ] as const) {
        const lock = gateway.lock(share.identifier);
        lock.moveElsewhere('open', 5000);
        assert.equal(lock.lastLog, during);
        assert.equal(await codeOf(post('/locker_status', form(share))), 49, 'as before, and not busy');
        await clock.advance(5000);
        assert.equal(lock.lastLog, 101);
        assert.equal(await codeOf(post('/locker_status', form(share))), 50);
      }
    });

    it('can answer after the bolt arrived', async () => {
      build({ times: { travelMs: 5000, bleMs: 3000, latencyMs: 100 } });
      let answered = false;
      const opening = post('/open', form()).then(() => (answered = true));
      await clock.advance(8099);
      assert.equal(answered, false);
      await clock.advance(1);
      await opening;
      assert.equal(gateway.lock(FRONT.identifier).state, 'open');
    });

    it('lets a hand turn the key, and a jammed bolt stay', async () => {
      const lock = gateway.lock(FRONT.identifier);
      const log = lock.lastLog;
      lock.turnByHand();
      assert.equal(lock.state, 'open');
      assert.equal(lock.lastLog, log + 1);
      lock.jammed = true;
      assert.deepEqual(bodyOf(await post('/close', form())), ok);
      assert.equal(lock.state, 'open');
    });

    it('drains the battery of either hardware, and never below empty', async () => {
      build({
        locks: [
          { ...FRONT, hardware: 'v1' },
          { ...BACK, batteryMillivolts: 6100 },
        ],
      });
      for (let round = 0; round < 4; round += 1) {
        await post('/open', form());
        await post('/open', form(BACK));
      }
      assert.ok(gateway.lock(FRONT.identifier).batteryMillivolts < 4065);
      assert.equal(gateway.lock(BACK.identifier).batteryMillivolts, 6100);
    });

    it('synchronizes of its own accord: locks are not detected meanwhile', async () => {
      build({ background: { scanMs: 12_000, gatewayMs: 60_000, lockMs: 5000 } });
      const seen: string[] = [];
      for (const ms of [0, 12_000, 60_000, 5000, 5000]) {
        await clock.advance(ms);
        seen.push(gateway.currentStatus);
      }
      assert.deepEqual(seen, [
        'Scanning...',
        'Synchronizing gw',
        'Synchronizing 45961123',
        'Synchronizing 45961124',
        'Scanning...',
      ]);
      await clock.advance(12_000);
      assert.equal(await codeOf(post('/open', form())), 34);
      assert.deepEqual(bodyOf(await get('/synchronize')), { status: '500', message: 'busy' });
    });

    it('answers an update at once where told so, works, goes away, and comes back newer', async () => {
      build({ answerWork: 'at-once', times: { updateMs: 30_000, restartMs: 8000 } });
      assert.deepEqual(bodyOf(await post('/update')), ok);
      assert.deepEqual(bodyOf(await get('/status')), { version: '65', current_status: 'Updating gw' });
      assert.deepEqual(bodyOf(await post('/open', form())), { status: '500', message: 'busy' });
      await clock.advance(30_000);
      assert.deepEqual(await get('/status'), { kind: 'refused' });
      await clock.advance(8000);
      assert.deepEqual(bodyOf(await get('/status')), { version: '66', current_status: 'Scanning...' });
    });

    it('leaves an updated lock without knowledge of its state', async () => {
      const { version } = gateway.lock(FRONT.identifier);
      assert.deepEqual(bodyOf(await post('/locker/update', 'identifier=45961123')), ok);
      const reading = bodyOf(await post('/locker_status', form())) as Record<string, unknown>;
      assert.equal(reading.code, 48);
      assert.equal(reading.version, version + 1);
      assert.equal(await codeOf(post('/calibrate', form())), 0);
      assert.equal(await codeOf(post('/locker_status', form())), 49);
    });
  });

  describe('fails as a test tells it', () => {
    it('drops the connection before or after the action', async () => {
      gateway.faults.next({ kind: 'reset-before', path: '/open' });
      gateway.faults.next({ kind: 'reset-after', path: '/open' });
      assert.equal((await get('/status')).kind, 'answer');
      assert.deepEqual(await post('/open', form()), { kind: 'dropped' });
      assert.equal(gateway.journal.actions.length, 0);
      assert.deepEqual(await post('/open', form()), { kind: 'dropped' });
      assert.equal(gateway.journal.actions.length, 1);
      assert.equal(await codeOf(post('/close', form())), 0);
      assert.equal(gateway.faults.pending, 0);
    });

    it('sends answers of no use, having acted', async () => {
      for (const kind of ['garbage', 'empty', 'html', 'huge', 'truncated', 'hang'] as const) {
        gateway.faults.next({ kind, acts: true });
        const answer = await post('/open', form());
        assert.throws(() => {
          assert.ok(answer.kind === 'answer' && answer.body.length < 100_000, 'no answer of use');
          JSON.parse(answer.body);
        }, kind);
      }
      assert.equal(gateway.journal.actions.length, 6);
    });

    it('refuses connections as often as told, or while it is away', async () => {
      gateway.faults.next({ kind: 'refuse', times: 2 });
      for (let round = 0; round < 2; round += 1) assert.deepEqual(await get('/status'), { kind: 'refused' });
      assert.equal((await get('/status')).kind, 'answer');
      gateway.goAway(1000);
      assert.deepEqual(await get('/status'), { kind: 'refused' });
      await clock.advance(1000);
      assert.equal((await get('/status')).kind, 'answer');
      gateway.goAway();
      gateway.comeBack();
      assert.equal((await get('/status')).kind, 'answer');
    });

    it('answers late', async () => {
      gateway.faults.next({ kind: 'slow', ms: 20_000 });
      let answered = false;
      const opening = post('/open', form()).then(() => (answered = true));
      await clock.advance(19_999);
      assert.deepEqual([answered, gateway.journal.actions.length], [false, 1]);
      await clock.advance(1);
      await opening;
    });

    it('fails by chance, the same way for the same seed', async () => {
      const story = async (): Promise<string[]> => {
        build();
        gateway.faults.random({ seed: 7, rate: 0.5, kinds: ['reset-before', 'busy', 'code'] });
        const kinds: string[] = [];
        for (let round = 0; round < 40; round += 1) {
          const answer = await post('/open', form());
          kinds.push(answer.kind === 'answer' ? answer.body : answer.kind);
        }
        return kinds;
      };
      const first = await story();
      assert.deepEqual(await story(), first);
      const fine = first.filter((body) => body === JSON.stringify(ok)).length;
      assert.ok(fine > 5 && fine < 35, String(fine));
    });

    it('can lose the answers to polls alone, by chance', async () => {
      gateway.faults.random({ seed: 7, rate: 1, kinds: ['hang'], paths: ['/lockers'] });
      assert.equal((await get('/lockers')).kind, 'hang');
      assert.deepEqual(bodyOf(await post('/open', form())), ok);
    });

    it('can refuse in words that would forge a line of a log', async () => {
      gateway.faults.next({ kind: 'forged' });
      const { code, cause } = bodyOf(await post('/open', form())) as { code: number; cause: string };
      assert.equal(code, 37);
      assert.match(cause, /\r\n.*\p{Cc}\]0;.*\u202e/su);
      assert.equal(gateway.lock(FRONT.identifier).state, 'closed');
    });

    it('forgets the oldest requests and what they did where it is to run for days', async () => {
      gateway.journal.most = 2;
      for (const path of ['/open', '/close', '/open', '/locker_status']) await post(path, form());
      for (const at of [ts, ts - 1, ts - 2]) await post('/open', form(FRONT, at));
      await get('/lockers');
      assert.deepEqual(gateway.journal.paths, ['/open', '/lockers']);
      assert.deepEqual(
        gateway.journal.actions.map(({ action }) => action),
        ['close', 'open'],
      );
      assert.deepEqual(
        gateway.journal.refusedTimestamps.map(({ reason }) => reason),
        ['older', 'older'],
      );
    });

    it('keeps neither hashes nor share codes in its journal', async () => {
      await post('/open', form());
      const text = JSON.stringify(gateway.journal);
      assert.ok(!text.includes(FRONT.code));
      assert.ok(!text.includes(hashOf(String(ts), FRONT.code)));
      assert.deepEqual(gateway.journal.requests[0]?.fields, {
        identifier: FRONT.identifier,
        ts: String(ts),
        hash: 'given',
      });
    });
  });
});
