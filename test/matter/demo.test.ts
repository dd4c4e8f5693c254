/**
 * The Matter tab of `npm start`: a person switches it on, and the home's app beside it pairs, is refused and unlocks. On a
 * network of its own, as the other tests here.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import { repository } from '../support/tarball';
import { makeNamespace, type Namespace } from './namespace';

interface DemoNode {
  id: string;
  type: string;
  label?: string;
  url?: string;
}
interface Sight {
  answer: string;
  lock?: string;
  shows?: string;
  reachable?: boolean;
  battery?: string;
}

/** Posts JSON from where the demo is, and prints the answer. */
const POST = `
  const [url, body] = process.argv.slice(1);
  const headers = { 'Content-Type': 'application/json', 'Node-RED-API-Version': 'v2' };
  const init = body === '' ? { headers } : { method: 'POST', headers, body };
  fetch(url, init).then((answer) => answer.text()).then((text) => process.stdout.write(text));`;
const PATIENCE_MS = 60_000;

describe('the Matter tab of the demo', function () {
  this.timeout(240_000);
  let network: Namespace;
  let demo: ChildProcess;
  let folder: string;
  let said = '';
  let url = '';

  const post = (where: string, body?: object): unknown => {
    const [program = '', ...words] = network.command;
    const text = body === undefined ? '' : JSON.stringify(body);
    const out = execFileSync(program, [...words, process.execPath, '-e', POST, where, text], { encoding: 'utf8' });
    return JSON.parse(out);
  };
  const until = async <T>(look: () => T, wanted: (seen: T) => boolean): Promise<T> => {
    for (const end = Date.now() + PATIENCE_MS; ;) {
      const seen = look();
      if (wanted(seen)) return seen;
      if (Date.now() > end) throw new Error(`it never came to pass; last seen: ${JSON.stringify(seen)}\n${said}`);
      await new Promise((resolve) => setTimeout(resolve, 300));
    }
  };

  before(async () => {
    network = makeNamespace();
    folder = await mkdtemp(path.join(os.tmpdir(), 'the-keys-demo-test-'));
    const [program = '', ...words] = network.command;
    const start = path.join(repository, 'scripts', 'start.mjs');
    const inherited = Object.entries(process.env).filter(([name]) => !/^(NODE_OPTIONS|PORT|npm_|THE_KEYS_)/.test(name));
    demo = spawn(program, [...words, process.execPath, start], {
      cwd: repository,
      env: { ...Object.fromEntries(inherited), PORT: '0', TMPDIR: folder },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [demo.stdout, demo.stderr]) stream?.on('data', (text: Buffer) => (said += text.toString()));
    url = await until(
      () => /ready: (http:\S+\/)/.exec(said)?.[1] ?? '',
      (found) => found !== '',
    );
  });
  after(async () => {
    if (demo.exitCode === null) {
      demo.kill('SIGKILL');
      await once(demo, 'exit');
    }
    network.end();
    await rm(folder, { recursive: true, force: true });
  });

  it('pairs, is refused without the PIN, unlocks with it, and leaves nothing behind', async () => {
    const { flows } = post(`${url}flows`) as { flows: DemoNode[] };
    const app = flows.find(({ type }) => type === 'http request')?.url ?? '';
    const order = (body: object): Sight => post(app, body) as Sight;
    assert.match(order({ do: 'pair' }).answer, /Switch this tab on first/);

    const on = flows.map((node) => (node.label === '4. Matter' ? { ...node, disabled: false } : node));
    post(`${url}flows`, { flows: on });
    const bridge = flows.find(({ type }) => type === 'matter-bridge')?.id;
    await until(
      () => post(`${url}thekeys-gateway/matter/status`, { id: bridge }) as { status?: { state: string } },
      ({ status }) => status?.state === 'unpaired',
    );
    assert.equal(order({ do: 'pair' }).answer, 'paired');
    const seen = await until(
      () => order({ do: 'look' }),
      ({ shows, battery }) => shows === 'locked' && battery !== 'not shown',
    );
    assert.deepEqual([seen.lock, seen.reachable], ['Front door', true]);

    assert.match(order({ do: 'unlock' }).answer, /^refused/);
    assert.equal(order({ do: 'look' }).shows, 'locked');
    const { answer, shows } = order({ do: 'unlock', pin: '1234' });
    assert.deepEqual([answer, shows], ['accepted', 'unlocked']);
    assert.equal(order({ do: 'lock' }).shows, 'locked');

    const gone = once(demo, 'exit');
    demo.kill('SIGINT');
    assert.deepEqual(await gone, [0, null]);
    assert.deepEqual(await readdir(folder), []);
  });
});
