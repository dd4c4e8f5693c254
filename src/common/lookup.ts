/**
 * Looks up the names of clouds, one at a time, and the same name once for all who ask. Node.js looks up few names at once; with
 * the internet gone each takes many seconds, and a lock's gateway that is addressed by name would wait behind them.
 */
import type { LookupAddress, LookupOptions } from 'node:dns';
import { lookup } from 'node:dns/promises';
import type { LookupFunction } from 'node:net';

type Found = Promise<LookupAddress[]>;
/** How a name is looked up. A parameter of tests. */
export type Resolve = (hostname: string, options: LookupOptions) => Found;

const systemResolve: Resolve = (hostname, options) => lookup(hostname, { ...options, all: true });

/** For the `lookup` of a socket. */
export function oneAtATime(resolve: Resolve = systemResolve): LookupFunction {
  const underWay = new Map<string, Found>();
  let last: Promise<unknown> = Promise.resolve();
  return (hostname, options, callback) => {
    const key = `${hostname} ${options.family ?? 0} ${options.hints ?? 0}`;
    let found = underWay.get(key);
    if (found === undefined) {
      found = last.then(() => resolve(hostname, options)).finally(() => underWay.delete(key));
      underWay.set(key, found);
      last = found.catch(() => undefined);
    }
    found.then(
      (addresses) => {
        const [{ address, family } = { address: '', family: 0 }] = addresses;
        if (options.all === true) callback(null, addresses);
        else callback(null, address, family);
      },
      (error: unknown) => callback(error as NodeJS.ErrnoException, ''),
    );
  };
}

/** The one that all clouds share. */
export const cloudLookup = oneAtATime();
