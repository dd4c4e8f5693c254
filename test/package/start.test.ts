/** `npm start` in a clone: a lock opens at the press of a button, and Ctrl-C leaves nothing behind. */
import assert from 'node:assert/strict';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import WebSocket from 'ws';
import { SimulatedGateway } from '../../simulators/gateway/gateway';
import { serve } from '../../simulators/gateway/server';
import { repository } from '../support/tarball';

interface DemoNode {
  id: string;
  type: string;
  name?: string;
  action?: string;
  wires?: string[][];
  info?: string;
}

describe('the demo', function () {
  this.timeout(120_000);
  let temporary: string;
  let demo: ChildProcess | undefined;
  let said = '';

  /** Starts the demo as npm does after its build, with a folder of its own for temporary files. */
  const start = (env: Record<string, string> = {}): ChildProcess => {
    said = '';
    const inherited = Object.entries(process.env).filter(([name]) => !/^(NODE_OPTIONS|PORT|npm_|THE_KEYS_)/.test(name));
    demo = spawn(process.execPath, [path.join(repository, 'scripts', 'start.mjs')], {
      cwd: repository,
      env: { ...Object.fromEntries(inherited), PORT: '0', TMPDIR: temporary, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const stream of [demo.stdout!, demo.stderr!]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        said += text;
      });
    }
    return demo;
  };

  const ready = async (process: ChildProcess): Promise<string> => {
    for (;;) {
      const url = /ready: (http:\S+\/)/.exec(said)?.[1];
      if (url !== undefined) return url;
      assert.equal(process.exitCode, null, said);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  };

  /** The badges of a node, as the editor hears of them: colour and text. */
  const follow = async (
    url: string,
    id: string,
  ): Promise<{ badges: string[]; until: (matches: (badge: string) => boolean) => Promise<void>; end: () => void }> => {
    const socket = new WebSocket(`${url.replace('http', 'ws')}comms`);
    await once(socket, 'open');
    const badges: string[] = [];
    let heard = (): void => undefined;
    socket.on('message', (data: Buffer) => {
      for (const { topic, data: badge } of [JSON.parse(data.toString())].flat() as {
        topic?: string;
        data?: { text?: string; fill?: string };
      }[]) {
        if (topic === `status/${id}`) badges.push(`${badge?.fill ?? ''} ${badge?.text ?? ''}`);
      }
      heard();
    });
    socket.send(JSON.stringify({ subscribe: 'status/#' }));
    const until = async (matches: (badge: string) => boolean): Promise<void> => {
      while (!badges.some(matches)) {
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
    };
    return { badges, until, end: () => socket.terminate() };
  };

  /** Says phrases on the page of the stand-in for Google, and gives its answers. */
  const say = async (page: string, ...phrases: string[]): Promise<string[]> => {
    for (const phrase of phrases) {
      const answer = await fetch(`${page}say`, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify({ phrase }),
      });
      assert.equal(answer.status, 204);
    }
    const events = await fetch(`${page}events`);
    const { value } = await events.body!.pipeThrough(new TextDecoderStream()).getReader().read();
    const transcript = JSON.parse(/^event: transcript\ndata: (.*)$/m.exec(value ?? '')?.[1] ?? '[]') as {
      who: string;
      text: string;
    }[];
    return transcript.filter(({ who }) => who === 'google').map(({ text }) => text);
  };

  beforeEach(async () => {
    temporary = await mkdtemp(path.join(os.tmpdir(), 'the-keys-start-test-'));
  });
  afterEach(async () => {
    if (demo?.exitCode === null && demo.signalCode === null) {
      const gone = once(demo, 'exit');
      demo.kill('SIGKILL');
      await gone;
    }
    await rm(temporary, { recursive: true, force: true });
  });

  it('opens the simulated lock, says so on the badge, and leaves no folder and no process', async () => {
    const process = start();
    const url = await ready(process);
    const flows = (await (await fetch(`${url}flows`)).json()) as DemoNode[];
    assert.equal(new Set(flows.map((node) => node.id)).size, flows.length, 'no id occurs twice');
    assert.equal(flows[0]?.type, 'tab', 'the editor opens on the tab that explains itself');
    const open = flows.find((node) => node.type === 'lock-action' && node.action === 'open')!;
    const button = flows.find((node) => node.type === 'inject' && node.wires?.flat().includes(open.id))!;

    const { badges, until, end } = await follow(url, open.id);
    assert.equal((await fetch(`${url}inject/${button.id}`, { method: 'POST' })).status, 200);
    await until((badge) => badge.startsWith('green'));
    end();
    assert.match(badges.at(-1)!, /open/i);

    const gone = once(process, 'exit');
    process.kill('SIGINT');
    assert.deepEqual(await gone, [0, null]);
    assert.deepEqual(await readdir(temporary), []);
  });

  it("leads the dialogue of Google's guide, phrase by phrase, and locks the door", async () => {
    const url = await ready(start());
    const flows = (await (await fetch(`${url}flows`)).json()) as DemoNode[];
    const window = flows.find(({ name }) => name === 'Tell Google about the window')!;
    const lock = flows.find(({ name }) => name === 'Do what Google asked')!;
    const { until, end } = await follow(url, window.id);
    // Green once Google is linked; before that the badge says that it is not.
    await until((badge) => /^(green|yellow|grey) ./.test(badge));
    end();
    const page = /speak to: (http:\S+\/)/.exec(said)![1]!;
    const moved = await follow(url, lock.id);
    const answers = await say(
      page,
      'Arm the alarm',
      'PIN 1234',
      'Yes, although the window is open',
      'Lock the front door',
    );
    assert.deepEqual(answers.slice(0, 3), [
      'What is your PIN?',
      'Kitchen window is open. Are you sure you want to arm the alarm?',
      'OK, the alarm is armed.',
    ]);
    // The simulated lock takes about as long as Google waits: it is done, or on its way.
    assert.match(answers[3]!, /^OK, (the door is locked|I am on it)\.$/);
    await moved.until((badge) => badge.startsWith('green closed'));
    moved.end();
  });

  it('has a Matter bridge that is on no network before a person switches it on, and says so to the home’s app', async () => {
    const url = await ready(start());
    const flows = (await (await fetch(`${url}flows`)).json()) as (DemoNode & Record<string, unknown>)[];
    const tab = flows.find(({ label }) => label === '4. Matter')!;
    const bridge = flows.find(({ type }) => type === 'matter-bridge')!;
    assert.deepEqual([tab.disabled, bridge.z], [true, tab.id]);
    const headers = { 'Content-Type': 'application/json' };
    const app = String(flows.find(({ type }) => type === 'http request')!.url);
    const answer = await fetch(app, { method: 'POST', headers, body: JSON.stringify({ do: 'pair' }) });
    assert.match(((await answer.json()) as { answer: string }).answer, /Switch this tab on first|no network with IPv6/);
    assert.equal((await fetch(app, { method: 'POST', body: '{"do":"pair"}' })).status, 403, 'a form of another page');
  });

  it('says so when its port is in use', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    try {
      const { port } = other.address() as AddressInfo;
      const [code] = (await once(start({ PORT: String(port) }), 'exit')) as [number];
      assert.equal(code, 1);
      assert.match(said, new RegExp(`Port ${port} is in use.*PORT=${port + 1}`));
      assert.deepEqual(await readdir(temporary), []);
    } finally {
      other.close();
    }
  });

  it('says that a real lock is real, and shows that one to Google and Sber too', async () => {
    const lock = { identifier: '45961123', code: 'demo-share-code-1' };
    const gateway = await serve(new SimulatedGateway({ locks: [lock] }));
    try {
      const url = await ready(start({ THE_KEYS_HOST: gateway.host, THE_KEYS_CODE: lock.code }));
      const flows = (await (await fetch(`${url}flows`)).json()) as DemoNode[];
      assert.match(flows[0]?.info ?? '', /real lock/);
      assert.doesNotMatch(flows[0]?.info ?? '', /simulated|harmed/);
      const sber = await follow(url, flows.find(({ name }) => name === 'Tell Sber')!.id);
      await sber.until((badge) => /^(green|red)/.test(badge));
      sber.end();
      assert.match(sber.badges.at(-1) ?? '', /^green/);
    } finally {
      await gateway.close();
    }
  });

  it('asks for the code when it gets the address of a real gateway alone', async () => {
    const [code] = (await once(start({ THE_KEYS_HOST: '127.0.0.1:9' }), 'exit')) as [number];
    assert.equal(code, 1);
    assert.match(said, /THE_KEYS_CODE/);
  });
});
