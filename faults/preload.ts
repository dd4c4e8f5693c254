/**
 * Loaded into a Node-RED before everything else, for what can be neither done nor seen from outside: shifts its wall clock by
 * the milliseconds that a file holds, which the campaign rewrites as it likes (monotonic clocks are left alone, as they
 * are when somebody sets a machine's clock), and writes down when each action was handed to the network.
 */
import { openSync, readFileSync, writeSync } from 'node:fs';
import { ClientRequest } from 'node:http';

const clockFile = process.env.FAULTS_CLOCK_FILE ?? '';
const realNow = Date.now.bind(Date);
let shiftMs = 0;
let readAt = -Infinity;

function now(): number {
  if (performance.now() - readAt > 20) {
    readAt = performance.now();
    try {
      shiftMs = Number(readFileSync(clockFile, 'utf8'));
    } catch {
      // Just being rewritten: the shift stays.
    }
  }
  return realNow() + shiftMs;
}

if (clockFile !== '') {
  const RealDate = Date;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args: unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
    get: (target, name, receiver) => (name === 'now' ? now : (Reflect.get(target, name, receiver) as unknown)),
  });
}

const departuresFile = process.env.FAULTS_DEPARTURES_FILE ?? '';

if (departuresFile !== '') {
  const log = openSync(departuresFile, 'a');
  const { prototype } = ClientRequest;
  const end = Reflect.get(prototype, 'end');
  Reflect.set(prototype, 'end', function (this: ClientRequest, ...args: Parameters<ClientRequest['end']>) {
    if (this.path === '/open' || this.path === '/close') {
      const form = new URLSearchParams(String(args[0]));
      const at = process.hrtime.bigint() / 1000n;
      writeSync(log, `${form.get('identifier') ?? ''} ${form.get('ts') ?? ''} ${at}\n`);
    }
    return Reflect.apply(end, this, args);
  });
}
