/**
 * Loaded into a Node-RED before everything else: shifts its wall clock by the milliseconds that a file holds, which the
 * campaign rewrites as it likes. Monotonic clocks are left alone, as they are when somebody sets a machine's clock.
 */
import { readFileSync } from 'node:fs';

const file = process.env.FAULTS_CLOCK_FILE ?? '';
const realNow = Date.now.bind(Date);
let shiftMs = 0;
let readAt = -Infinity;

function now(): number {
  if (performance.now() - readAt > 20) {
    readAt = performance.now();
    try {
      shiftMs = Number(readFileSync(file, 'utf8'));
    } catch {
      // Just being rewritten: the shift stays.
    }
  }
  return realNow() + shiftMs;
}

if (file !== '') {
  const RealDate = Date;
  globalThis.Date = new Proxy(RealDate, {
    construct: (target, args: unknown[], newTarget) =>
      Reflect.construct(target, args.length === 0 ? [now()] : args, newTarget) as object,
    get: (target, name, receiver) => (name === 'now' ? now : (Reflect.get(target, name, receiver) as unknown)),
  });
}
