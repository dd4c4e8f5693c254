import assert from 'node:assert/strict';
import { closeSync, existsSync, openSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { runOnGateway } from '../../../src/cli/gateway-verbs';
import { stateFolder } from '../../../src/cli/state-folder';
import type { Terminal } from '../../../src/cli/terminal';
import type { GatewayVerb } from '../../../src/cli/usage';
import { SimulatedGateway } from '../../../simulators/gateway/gateway';
import { serve, type RunningGateway } from '../../../simulators/gateway/server';
import { run, start, type Ended } from './command';

const LOCK = { identifier: '45961123', code: 'demo-share-code-1' };

describe('the verbs of the-keys', function () {
  this.timeout(60_000);
  let gateway: SimulatedGateway;
  let running: RunningGateway;
  let home: string;

  beforeEach(async () => {
    home = await mkdtemp(path.join(os.tmpdir(), 'the-keys-'));
    gateway = new SimulatedGateway({ locks: [LOCK] });
    running = await serve(gateway);
  });
  afterEach(async () => {
    await running.close();
    await rm(home, { recursive: true, force: true });
  });

  /** In this process, with a bolt that needs no time. */
  const inside = async (
    verb: GatewayVerb,
    code = LOCK.code,
    identifier = LOCK.identifier,
  ): Promise<{ result: unknown; said: string; status: number }> => {
    let out = '';
    let said = '';
    const terminal: Terminal = {
      env: { XDG_STATE_HOME: home },
      out: (text) => (out += text),
      err: (text) => (said += text),
      errIsTerminal: true,
      onStop: () => undefined,
    };
    const status = await runOnGateway(verb, { host: running.host, identifier, code }, terminal, {
      deadlineMs: 5000,
      boltTravel: 0,
      readBackPauses: [0],
      workPause: 10,
    });
    assert.match(out, /^[^\n]+\n$/, 'one line');
    return { result: JSON.parse(out), said, status };
  };
  /** As a process of its own. */
  const outside = (args: string[], env: Record<string, string> = {}): Promise<Ended> =>
    run(['--host', running.host, ...args], { XDG_STATE_HOME: home, ...env });

  it('opens and closes, and tells what the lock said', async () => {
    const { result } = await inside('open');
    const { identifier, action, state, confirmed, batteryPercent } = result as Record<string, unknown>;
    assert.deepEqual([identifier, action, state, confirmed], ['45961123', 'open', 'open', true]);
    assert.equal(typeof batteryPercent, 'number');
    assert.equal(((await inside('close')).result as { state: string }).state, 'closed');
    assert.deepEqual(
      gateway.journal.actions.map(({ action: done }) => done),
      ['open', 'close'],
    );
    assert.equal(gateway.journal.refusedTimestamps.length, 0);
  });

  it('opens a lock whose number is written with leading zeros', async () => {
    const { result } = await inside('open', LOCK.code, `000${LOCK.identifier}`);
    const { identifier, state } = result as Record<string, unknown>;
    assert.deepEqual([identifier, state], [LOCK.identifier, 'open']);
  });

  it('does everything else of the quick test, and calibrate', async () => {
    const { result: locks } = await inside('search');
    const [lock] = locks as Record<string, unknown>[];
    assert.deepEqual(Object.keys(lock!), ['identifier', 'rssi', 'batteryMillivolts', 'batteryPercent', 'lastLog']);
    assert.equal(lock!.identifier, '45961123');
    assert.deepEqual((await inside('status')).result, {
      version: 65,
      currentStatus: 'Scanning...',
      synchronizing: false,
    });
    assert.deepEqual((await inside('synchronize')).result, { operation: 'synchronize', ok: true });
    assert.deepEqual((await inside('update')).result, { operation: 'update', ok: true });
    const identifier = LOCK.identifier;
    assert.deepEqual((await inside('synchronize_locker')).result, {
      operation: 'synchronize-lock',
      identifier,
      ok: true,
    });
    assert.deepEqual((await inside('update_locker')).result, { operation: 'update-lock', identifier, ok: true });
    assert.equal(((await inside('locker_status')).result as { state: string }).state, 'unknown');
    assert.equal(((await inside('calibrate')).result as { action: string }).action, 'calibrate');
    const { code, state } = (await inside('locker_status')).result as Record<string, unknown>;
    assert.deepEqual([code, state], [49, 'closed']);
    assert.equal(gateway.version, 66);
  });

  it('shows on a terminal how long work is going, and takes the line away at the end', async () => {
    gateway = new SimulatedGateway({ locks: [LOCK], answerWork: 'at-once', times: { updateMs: 1500 } });
    await running.close();
    running = await serve(gateway);
    const { said } = await inside('update');
    assert.match(said, /the gateway says: Updating gw/);
    assert.ok(said.endsWith('\r\u001b[K'));
  });

  it('succeeds twice in the same second, as a process that ends in between', async () => {
    const args = ['-i', LOCK.identifier, 'locker_status'];
    const results = [];
    for (let round = 0; round < 3; round += 1) results.push(await outside(args, { THE_KEYS_CODE: LOCK.code }));
    for (const { status, stdout, stderr } of results) {
      assert.deepEqual([status, stderr], [0, '']);
      assert.equal((JSON.parse(stdout) as { code: number }).code, 49);
    }
    assert.equal(gateway.journal.refusedTimestamps.length, 0);
    assert.ok((await readdir(path.join(home, 'the-keys'))).length > 0);
  });

  it('never gives a timestamp twice, and lets one request go at a time, whoever asks at the same moment', async () => {
    gateway.times.bleMs = 400;
    const args = ['-i', LOCK.identifier, '-c', LOCK.code, 'locker_status'];
    const results = await Promise.all([outside(args), outside(args), outside(args), outside(args)]);
    for (const { status, stderr } of results) assert.equal(status, 0, stderr);
    const { timestamps } = gateway.journal;
    assert.equal(new Set(timestamps).size, timestamps.length);
    assert.equal(gateway.journal.maxInFlight, 1);
  });

  it('counts as one gateway what is called by several names', async () => {
    const args = ['-i', LOCK.identifier, '-c', LOCK.code, 'locker_status'];
    const spelled = [running.host, running.host.replace('127.0.0.1', 'localhost'), `http://${running.host}/`];
    const results = await Promise.all(
      [...spelled, ...spelled].map((host) => run(['--host', host, ...args], { XDG_STATE_HOME: home })),
    );
    for (const { status, stderr } of results) assert.deepEqual([status, stderr], [0, '']);
    const { timestamps, refusedTimestamps, maxInFlight } = gateway.journal;
    assert.deepEqual([timestamps.length, refusedTimestamps.length, maxInFlight], [6, 0, 1]);
    assert.deepEqual(
      timestamps,
      [...timestamps].sort((a, b) => a - b),
    );
  });

  it('is not kept out by a call that was killed in the middle of a request', async () => {
    gateway.times.bleMs = 2000;
    const args = ['-i', LOCK.identifier, '-c', LOCK.code, 'locker_status'];
    const { child, ended } = start(['--host', running.host, ...args], { XDG_STATE_HOME: home });
    while (gateway.journal.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    child.kill('SIGKILL');
    await ended;
    const leftBehind = async (): Promise<string[]> =>
      (await readdir(path.join(home, 'the-keys'))).filter((name) => name.endsWith('.lock'));
    assert.ok((await leftBehind()).length > 0);
    assert.equal((await outside(args)).status, 0);
    assert.deepEqual(await leftBehind(), []);
  });

  it('opens where nothing can be written down', async () => {
    await writeFile(path.join(home, 'the-keys'), 'a file where the folder belongs');
    const { status, stderr } = await outside(['-i', LOCK.identifier, '-c', LOCK.code, 'open']);
    assert.equal(status, 0, stderr);
    assert.match(stderr, /timestamps of commands cannot be kept/);
  });

  it('tells failures as one line of JSON and status 1, wrong usage as 2, and no secret in either', async () => {
    gateway.lock(LOCK.identifier).compatible = false;
    const incompatible = await outside(['-i', LOCK.identifier, '-c', LOCK.code, 'open']);
    assert.equal(incompatible.status, 1);
    assert.equal(incompatible.stdout, '');
    const { error } = JSON.parse(incompatible.stderr) as { error: Record<string, string> };
    assert.deepEqual(Object.keys(error), ['code', 'message']);
    assert.equal(error.code, 'LOCK_INCOMPATIBLE');

    const wrongCode = await outside(['-i', LOCK.identifier, '-c', 'mistyped-code-1', 'locker_status']);
    assert.match(wrongCode.stderr, /"code":"INVALID_HMAC"/);
    assert.ok(!wrongCode.stderr.includes('mistyped-code-1'));

    const usage = await Promise.all([outside(['open']), outside(['-i', '1', 'close']), outside(['nothing']), run([])]);
    for (const { status, stdout, stderr } of usage) {
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, /--help/);
    }
    const help = await run(['--help']);
    assert.deepEqual([help.status, help.stderr], [0, '']);
  });

  it('does not end well where its result cannot be written', async function () {
    if (!existsSync('/dev/full')) this.skip();
    const full = openSync('/dev/full', 'w');
    const { child, ended } = start(['--host', running.host, 'status'], { XDG_STATE_HOME: home }, full);
    child.once('spawn', () => closeSync(full));
    const { status, stderr } = await ended;
    assert.equal(status, 1);
    assert.match(stderr, /^\{"error":\{"code":"CANNOT_WRITE",.*ENOSPC/);
  });

  it('ends with 1, and its line all the same, where the bolt reads open after a close', async () => {
    assert.equal((await inside('open')).status, 0);
    gateway.lock(LOCK.identifier).jammed = true;
    const { status, result } = await inside('close');
    const { state, confirmed } = result as Record<string, unknown>;
    assert.deepEqual([status, state, confirmed], [1, 'open', false]);
  });

  it('gives each of 60 calls at once its turn', async () => {
    const results = await Promise.all(Array.from({ length: 60 }, () => inside('locker_status')));
    assert.ok(results.every(({ status }) => status === 0));
    assert.equal(gateway.journal.maxInFlight, 1);
    assert.deepEqual(gateway.journal.refusedTimestamps, []);
  });

  it('says what is known when it is interrupted, and ends as shells expect', async () => {
    gateway.times.bleMs = 20_000;
    const args = ['-i', LOCK.identifier, '-c', LOCK.code];
    const asked = async (verb: string, signal: NodeJS.Signals, path: string): Promise<Ended> => {
      const { child, ended } = start(['--host', running.host, ...args, verb], { XDG_STATE_HOME: home });
      while (!gateway.journal.paths.includes(path)) await new Promise((resolve) => setTimeout(resolve, 20));
      child.kill(signal);
      return ended;
    };
    const [open, status] = [
      await asked('open', 'SIGTERM', '/open'),
      await asked('locker_status', 'SIGINT', '/locker_status'),
    ];
    assert.deepEqual([open.status, open.stdout], [143, '']);
    const { error } = JSON.parse(open.stderr) as { error: { code: string; message: string } };
    assert.equal(error.code, 'RESULT_UNKNOWN');
    assert.match(error.message, /Look at the door/);
    assert.deepEqual([status.status, status.stdout], [130, '']);
    assert.match(status.stderr, /"code":"INTERRUPTED"/);
    const left = (await readdir(path.join(home, 'the-keys'))).filter((name) => name.endsWith('.lock'));
    assert.deepEqual(left, []);
  });

  it('needs no folder to ask the gateway for its status', async () => {
    const { status, stderr } = await run(['--host', running.host, 'status'], { XDG_STATE_HOME: home });
    assert.deepEqual([status, stderr], [0, '']);
    assert.deepEqual(await readdir(home), []);
  });

  it('says its version', async () => {
    const { status, stdout } = await run(['--version']);
    const { version } = JSON.parse(await readFile(path.join(__dirname, '../../../package.json'), 'utf8')) as {
      version: string;
    };
    assert.deepEqual([status, stdout], [0, `${version}\n`]);
  });

  it('keeps its timestamps where the platform keeps such things', () => {
    assert.equal(stateFolder({ XDG_STATE_HOME: '/state' }, 'linux', '/home/me'), '/state/the-keys');
    assert.equal(stateFolder({ XDG_STATE_HOME: '/state' }, 'linux', null), '/state/the-keys');
    assert.equal(stateFolder({}, 'linux', null), undefined);
    assert.equal(stateFolder({ XDG_STATE_HOME: 'relative' }, 'linux', '/home/me'), '/home/me/.local/state/the-keys');
    assert.equal(stateFolder({}, 'darwin', '/Users/me'), '/Users/me/Library/Application Support/the-keys');
    assert.match(stateFolder({ LOCALAPPDATA: '/local' }, 'win32', '/Users/me') ?? '', /local.the-keys$/);
  });
});
