/**
 * Opens a lock through a network that goes away between the connection and the first byte of the request, and comes back
 * long after the command has ended. Run inside the network namespace of the client; arguments: `ours` or `plain`, the
 * gateway's `host:port`, the network device to cut. Prints how the command ended, and ends when the network is back.
 */
import { execFileSync } from 'node:child_process';
import * as http from 'node:http';
import { MemoryState } from '../../src/state/local';
import { parseAddress } from '../../src/thekeys/gateway-address';
import { Gateway } from '../../src/thekeys/gateway';
import { exchange } from '../../src/thekeys/exchange';
import { silent } from '../../src/common/log';

const [way = '', host = '', device = ''] = process.argv.slice(2);
const DEADLINE_MS = 1500;
const AWAY_MS = 4000;

function link(state: 'up' | 'down'): void {
  execFileSync('ip', ['link', 'set', device, state]);
}

/** As ours, but the network goes when the request has been signed. */
const cutting: typeof exchange = (request) =>
  exchange({
    ...request,
    body: () => {
      const body = request.body();
      if (request.url.pathname === '/open') link('down');
      return body;
    },
  });

async function ours(): Promise<string> {
  const address = parseAddress(host);
  const gateway = new Gateway({
    address,
    state: new MemoryState(),
    log: silent,
    exchange: cutting,
  });
  const share = { identifier: '1001', code: 'demo-front-code' };
  const options = { deadlineMs: DEADLINE_MS, timeoutMs: DEADLINE_MS, confirm: false };
  return gateway.open(share, options).then(
    () => 'ok',
    (error: unknown) => String((error as { code?: unknown }).code),
  );
}

/** What any other client does: gives up, and closes the connection. */
function plain(): Promise<string> {
  return new Promise((resolve) => {
    const request = http.request(`http://${host}/open`, { method: 'POST', agent: false });
    request.on('error', () => resolve('given up'));
    request.on('socket', (socket) =>
      socket.once('connect', () => {
        link('down');
        request.end('identifier=1001');
        setTimeout(() => request.destroy(new Error('time is up')), DEADLINE_MS);
      }),
    );
  });
}

async function main(): Promise<void> {
  console.log(await (way === 'ours' ? ours() : plain()));
  await new Promise((resolve) => setTimeout(resolve, AWAY_MS));
  link('up');
}

void main();
