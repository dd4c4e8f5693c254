/**
 * Where names lead. Those that end in `.local` are also asked for in the network itself, which many systems (containers,
 * Windows, Alpine) cannot. The system looks up two names at a time and may take 10 s for one that it cannot find, so a look-up
 * gets a second; then the address that was found last is used. An IP address is never looked up.
 */
import { lookup } from 'node:dns/promises';
import { createRequire } from 'node:module';
import { isIP } from 'node:net';
import { abortable, lifetime, onAbort } from '../common/abort';
import { isThisMachine, plainHost } from '../common/address';
import { within, type Clock } from '../common/clock';
import { systemCode } from '../common/errors';
import type { Log } from '../common/log';
import { ExchangeFailure } from './exchange';

/** All addresses of a name; rejects where it is not known. Whatever it holds is let go when the signal is aborted. */
export type Lookup = (name: string, signal: AbortSignal) => Promise<readonly string[]>;

export interface NameOptions {
  lookup: Lookup;
  clock: Clock;
}

/** The addresses of a name, looked up for so many milliseconds at most. */
export async function lookUp({ lookup, clock }: NameOptions, name: string, ms: number): Promise<readonly string[]> {
  const life = lifetime({ clock, deadline: clock.elapsed() + ms, late: () => new Error('no answer in time') });
  try {
    return await abortable(lookup(name, life.signal), life.signal);
  } finally {
    life.abort(new Error('over'));
    life.end();
  }
}

interface Packet {
  answers: { type: string; name: string; data: unknown }[];
  additionals: Packet['answers'];
}
interface Socket {
  on(event: 'response', listener: (packet: Packet) => void): void;
  on(event: 'error' | 'warning', listener: (error: Error) => void): void;
  query(questions: { name: string; type: 'A' | 'AAAA' }[]): void;
  destroy(): void;
}

/** The library, which is loaded when first used. */
const open = (): Socket => (createRequire(__filename)('multicast-dns') as () => Socket)();

export const lookupAll: Lookup = (name, signal) => {
  const bySystem = lookup(name, { all: true }).then((found) => found.map(({ address }) => address));
  // Whichever knows it first: where the system knows no such names, it may take long to say so.
  return /\.local$/i.test(name) ? Promise.any([bySystem, lookupMulticast(name, signal)]) : bySystem;
};

/** The first address that answers to the name. Waits until the signal is aborted, and rejects then. */
export function lookupMulticast(
  name: string,
  signal: AbortSignal,
  socket: Socket = open(),
): Promise<readonly string[]> {
  return new Promise<string[]>((resolve, reject) => {
    const forget = onAbort(signal, () => reject(signal.reason as Error));
    socket.on('error', reject);
    // A network that is down, or a packet of others that is none.
    socket.on('warning', () => undefined);
    socket.on('response', ({ answers, additionals }) => {
      const found = [...answers, ...additionals].filter(
        (each) => /^A(AAA)?$/.test(each.type) && each.name.toLowerCase() === name.toLowerCase(),
      );
      if (found.length === 0) return;
      forget();
      resolve(found.map(({ data }) => String(data)));
    });
    socket.query([
      { name, type: 'A' },
      { name, type: 'AAAA' },
    ]);
  }).finally(() => socket.destroy());
}

const LONGEST_WAIT_MS = 1000;
const LONGEST_LOOK_UP_MS = 10_000;
/** How long what was found is used without another look. */
const FRESH_MS = 30_000;

interface Name {
  address?: string | undefined;
  /** On the clock's `elapsed()`. */
  freshUntil: number;
  /** Why the last look-up found nothing. */
  reason: string;
  lookUp?: { done: Promise<void>; began: number } | undefined;
}

export class Resolver {
  private readonly names = new Map<string, Name>();

  constructor(private readonly options: NameOptions & { log: Log }) {}

  /** An IP address. @throws ExchangeFailure where the name cannot be looked up and never could be */
  async resolve(hostname: string): Promise<string> {
    const host = plainHost(hostname);
    const fixed = fixedAddress(host);
    if (fixed !== undefined) return fixed;
    const { clock, log } = this.options;
    const name = this.nameOf(host);
    if (name.address !== undefined && clock.elapsed() < name.freshUntil) return name.address;
    name.lookUp ??= this.lookUp(host, name);
    const { done, began } = name.lookUp;
    if (name.address === undefined) await done;
    else await within(done, began + LONGEST_WAIT_MS - clock.elapsed(), clock);
    if (name.address === undefined) throw new ExchangeFailure('connect', false, name.reason);
    if (clock.elapsed() >= name.freshUntil) log.trace(`${host}: the look-up takes long, the last address is used`);
    return name.address;
  }

  /** What an earlier process has found, to be used where the look-up fails. */
  remember(host: string, address: string): void {
    this.nameOf(plainHost(host)).address ??= address;
  }

  /** The address may be another one by now: nothing could be reached there. */
  expire(host: string): void {
    this.nameOf(plainHost(host)).freshUntil = 0;
  }

  private nameOf(host: string): Name {
    const name = this.names.get(host) ?? { freshUntil: 0, reason: 'ENOTFOUND' };
    this.names.set(host, name);
    return name;
  }

  private lookUp(host: string, name: Name): { done: Promise<void>; began: number } {
    const { clock } = this.options;
    const done = lookUp(this.options, host, LONGEST_LOOK_UP_MS)
      .then(
        (found) => {
          // A gateway has an IPv4 address, whatever else its name may lead to.
          name.address = found.find((address) => isIP(address) === 4) ?? found[0] ?? name.address;
        },
        (error: unknown) => {
          name.reason = systemCode(error) ?? 'ENOTFOUND';
        },
      )
      .finally(() => {
        name.freshUntil = clock.elapsed() + FRESH_MS;
        name.lookUp = undefined;
      });
    return { done, began: clock.elapsed() };
  }
}

/** The IP address that a host is already; `localhost` needs no look-up either. */
export function fixedAddress(hostname: string): string | undefined {
  const host = plainHost(hostname);
  if (isIP(host) !== 0) return host;
  return isThisMachine(host) ? '127.0.0.1' : undefined;
}
