/**
 * A real network between two hosts (network namespaces of this machine) that goes away in the worst moment: the connection
 * stands, the request to open has left the process, and nothing has arrived. The kernel keeps what it could not deliver, and
 * tries again for minutes. When the network is back, the command has long ended: then nothing may arrive any more.
 *
 * Needs the right to make network namespaces, so it is no part of `npm test`.
 */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

const SERVER = `
  const http = require('node:http');
  const server = http.createServer((request, response) => {
    console.log(request.url);
    response.end(JSON.stringify({ status: 'ok', code: 0 }));
  });
  server.listen(0, '10.99.0.2', () => console.log(server.address().port));`;
/** Later than any attempt of the kernel that began while the network was away: it doubles its pauses. */
const PATIENCE_MS = 12_000;

describe('a network that goes away while a door is to be opened', () => {
  const [here, there] = [`keys-${process.pid}-a`, `keys-${process.pid}-b`];
  let server: ChildProcess;
  let host = '';
  const arrived: string[] = [];
  const ip = (...words: string[]): void => void execFileSync('ip', words);

  before(async () => {
    ip('netns', 'add', here);
    ip('netns', 'add', there);
    ip('link', 'add', 'keys-a', 'netns', here, 'type', 'veth', 'peer', 'name', 'keys-b', 'netns', there);
    ip('-n', here, 'address', 'add', '10.99.0.1/24', 'dev', 'keys-a');
    ip('-n', there, 'address', 'add', '10.99.0.2/24', 'dev', 'keys-b');
    ip('-n', here, 'link', 'set', 'keys-a', 'up');
    ip('-n', there, 'link', 'set', 'keys-b', 'up');
    server = spawn('ip', ['netns', 'exec', there, process.execPath, '-e', SERVER], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    server.stdout?.setEncoding('utf8').on('data', (text: string) => arrived.push(...text.trim().split('\n')));
    await once(server.stdout ?? server, 'data');
    host = `10.99.0.2:${arrived.shift() ?? ''}`;
  });
  after(async () => {
    server.kill();
    await once(server, 'exit');
    ip('netns', 'delete', here);
    ip('netns', 'delete', there);
  });

  /** How the command ended, and what arrived, until nothing more can. */
  const open = async (way: 'ours' | 'plain'): Promise<{ ended: string; arrived: string[] }> => {
    arrived.length = 0;
    const client = path.join(__dirname, 'client.ts');
    const words = ['netns', 'exec', here, process.execPath, '--import', 'tsx', client, way, host, 'keys-a'];
    const ended = execFileSync('ip', words, { encoding: 'utf8' }).trim();
    await new Promise((resolve) => setTimeout(resolve, PATIENCE_MS));
    return { ended, arrived: [...arrived] };
  };

  it('delivers a request that was merely given up, when it is back: so this test can see one', async () => {
    assert.deepEqual(await open('plain'), { ended: 'given up', arrived: ['/open'] });
  });

  it('delivers nothing of ours, and the command has ended unknown', async () => {
    assert.deepEqual(await open('ours'), { ended: 'RESULT_UNKNOWN', arrived: [] });
  });
});
