/** The gateways of a runtime. Two runtimes in one process have two user directories, and then nothing in common. */
import { lookup } from 'node:dns/promises';
import type { NodeAPI } from 'node-red';
import type { Timing } from '../../src/thekeys/gateway';
import { Gateways } from '../../src/thekeys/gateways';
import { lookupMulticast } from '../../src/thekeys/mdns';
import type { Lookup } from '../../src/thekeys/nearby';
import { stateFor } from './states';

const runtimes = new Map<string, Gateways>();

export const lookupAll: Lookup = (name, signal) => {
  const bySystem = lookup(name, { all: true }).then((found) => found.map(({ address }) => address));
  // Whichever knows it first: where the system knows no such names, it may take long to say so.
  return /\.local$/i.test(name) ? Promise.any([bySystem, lookupMulticast(name, signal)]) : bySystem;
};

export function gatewaysOf(RED: NodeAPI): Gateways {
  // Durations of a gateway can be set in settings.js, for tests, whose bolts travel faster.
  const { userDir, gatewayConfigTiming: timing } = RED.settings as {
    userDir?: unknown;
    gatewayConfigTiming?: Partial<Timing>;
  };
  const home = typeof userDir === 'string' ? userDir : '';
  const known = runtimes.get(home);
  if (known !== undefined) return known;
  const note = (level: 'warn' | 'info' | 'debug' | 'trace') => (text: string) =>
    RED.log[level](`[gateway-config] ${text}`);
  const gateways = new Gateways({
    stateFor: (url, log) => stateFor(RED, url, log),
    lookup: lookupAll,
    log: { warn: note('warn'), info: note('info'), debug: note('debug'), trace: note('trace') },
    timing,
  });
  runtimes.set(home, gateways);
  return gateways;
}
