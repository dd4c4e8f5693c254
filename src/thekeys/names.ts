/**
 * Where the names of a network lead. Names that end in `.local` are also asked for in the network itself, which many systems
 * (containers, Windows, Alpine) cannot.
 */
import { lookup } from 'node:dns/promises';
import { createRequire } from 'node:module';
import { onAbort } from '../common/abort';
import type { Lookup } from './nearby';

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
