/**
 * Loaded into a Node-RED before everything else, for what can be neither done nor seen from outside: shifts its wall clock
 * (monotonic clocks are left alone, as they are when somebody sets a machine's clock), slows the flushes of a disk and the
 * look-ups of names, all as a file says that the campaign rewrites as it likes; and writes down when each action was handed
 * to the network.
 */
import dns from 'node:dns';
import { openSync, readFileSync, writeSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { ClientRequest } from 'node:http';
import { Socket } from 'node:net';
import type { Ills } from './ills';

const illsFile = process.env.FAULTS_ILLS_FILE ?? '';
const realNow = Date.now.bind(Date);
let ills: Ills = { clockMs: 0, flushMs: 0, lookupMs: 0 };
let readAt = -Infinity;

function current(): Ills {
  if (performance.now() - readAt > 20) {
    readAt = performance.now();
    try {
      ills = JSON.parse(readFileSync(illsFile, 'utf8')) as Ills;
    } catch {
      // Just being rewritten: they stay.
    }
  }
  return ills;
}

if (illsFile !== '') {
  const RealDate = Date;
  const now = (): number => realNow() + current().clockMs;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args: unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
    get: (target, name, receiver) => (name === 'now' ? now : (Reflect.get(target, name, receiver) as unknown)),
  });
  void slowFlushes();
  const lookup: unknown = Reflect.get(dns, 'lookup');
  Reflect.set(dns, 'lookup', (...args: unknown[]) => {
    const run = (): unknown => Reflect.apply(lookup as typeof dns.lookup, dns, args);
    const { lookupMs } = current();
    if (lookupMs === 0) return run();
    setTimeout(run, lookupMs).unref();
    return {};
  });
}

async function slowFlushes(): Promise<void> {
  const handle = await open(illsFile);
  const prototype = Object.getPrototypeOf(handle) as object;
  const sync: unknown = Reflect.get(prototype, 'sync');
  await handle.close();
  Reflect.set(prototype, 'sync', async function (this: object): Promise<void> {
    // A flush that hangs returns when the disk is back, as the system's do.
    const until = performance.now() + current().flushMs;
    while (performance.now() < until && current().flushMs > 0) {
      await new Promise((resolve) => setTimeout(resolve, 20).unref());
    }
    await (sync as () => Promise<void>).call(this);
  });
}

const departuresFile = process.env.FAULTS_DEPARTURES_FILE ?? '';

if (departuresFile !== '') {
  const log = openSync(departuresFile, 'a');
  const note = (body: string): void => {
    const form = new URLSearchParams(body);
    const at = process.hrtime.bigint() / 1000n;
    writeSync(log, `${form.get('identifier') ?? ''} ${form.get('ts') ?? ''} ${at}\n`);
  };
  // This package writes to a socket, core nodes use the HTTP client.
  patch(Socket.prototype, 'write', (_socket, [data]) => {
    const text = typeof data === 'string' ? data : Buffer.isBuffer(data) ? data.toString('latin1') : '';
    if (/^POST \/(open|close) /.test(text)) note(text.slice(text.indexOf('\r\n\r\n') + 4));
  });
  patch(ClientRequest.prototype, 'end', (request, [body]) => {
    if (request.path === '/open' || request.path === '/close') note(String(body));
  });
}

function patch<T extends object>(prototype: T, name: string, before: (self: T, args: unknown[]) => void): void {
  const original: unknown = Reflect.get(prototype, name);
  Reflect.set(prototype, name, function (this: T, ...args: unknown[]): unknown {
    before(this, args);
    return Reflect.apply(original as (...given: unknown[]) => unknown, this, args);
  });
}
