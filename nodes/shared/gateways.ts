/** The gateways of a runtime. Two runtimes in one process have two user directories, and then nothing in common. */
import type { NodeAPI } from 'node-red';
import { logWith } from '../../src/common/log';
import type { Timing } from '../../src/thekeys/gateway';
import { Gateways } from '../../src/thekeys/gateways';
import { lookupAll } from '../../src/thekeys/names';
import { stateFor } from './states';

const runtimes = new Map<string, Gateways>();

export function gatewaysOf(RED: NodeAPI): Gateways {
  // Durations of a gateway can be set in settings.js, for tests, whose bolts travel faster.
  const { userDir, gatewayConfigTiming: timing } = RED.settings as {
    userDir?: unknown;
    gatewayConfigTiming?: Partial<Timing>;
  };
  const home = typeof userDir === 'string' ? userDir : '';
  const known = runtimes.get(home);
  if (known !== undefined) return known;
  const gateways = new Gateways({
    stateFor: (url, log) => stateFor(RED, url, log),
    lookup: lookupAll,
    log: logWith((level, text) => RED.log[level](`[gateway-config] ${text}`)),
    timing,
  });
  runtimes.set(home, gateways);
  return gateways;
}
