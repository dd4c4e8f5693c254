// What the demo's flows talk to: a simulated gateway with two locks, or the real one that THE_KEYS_HOST names; a stand-in for
// Google, a simulated Sber cloud, and a stand-in for a home's app that speaks Matter. Says which environment variables, flows and credentials the demo's Node-RED gets;
// running Node-RED is left to scripts/start.mjs.
import { readFileSync } from 'node:fs';
import { SimulatedGateway } from '../simulators/gateway/gateway.ts';
import { serve } from '../simulators/gateway/server.ts';
import { startGoogleStandIn } from '../simulators/google/page.ts';
import { ENOUGH } from '../simulators/latest.ts';
import { startHome } from '../simulators/matter/home.ts';
import { startSberCloud } from '../simulators/sber/cloud.ts';

/** Obviously made up. Of use for nothing but the simulated locks below. */
const FRONT_DOOR = {
  identifier: '4711',
  code: 'demo-share-code-1',
  hardware: 'v2',
  rssi: -58,
  batteryMillivolts: 7900,
};
const GARDEN_GATE = {
  identifier: '4712',
  code: 'demo-share-code-2',
  hardware: 'v1',
  rssi: -81,
  batteryMillivolts: 3620,
};

/** Brisker than a real lock, slow enough to be watched. Milliseconds. */
const TIMES = { latencyMs: 60, bleMs: 400, travelMs: 1200, synchronizeMs: 6000, updateMs: 12_000, restartMs: 3000 };

/** As in demo/credentials.json and the account of demo/flows.json. */
const HOME = {
  projectId: 'demo-project',
  clientId: 'demo-client',
  clientSecret: 'demo-client-secret',
  user: 'demo',
  password: 'demo-password',
};

/** The two devices that a lock becomes at Sber: see the example "Lock to Sber". */
const sberDevices = (lock) =>
  ['sensor', 'unlock'].map((part) => ({
    id: `thekeys-${lock}-${part}`,
    name: 'Front door',
    default_name: 'Front door',
    model_id: `thekeys-${part}`,
  }));

/** The bridge of the fourth tab, in demo/flows.json. */
const BRIDGE = 'f92a6d31c8ea5b74';

/** What the first tab says where the front door is a real one, instead of that nothing can be harmed. */
const REAL_LOCK = `# Your own lock

This is Node-RED with the nodes for **The Keys** locks, and the front door is your own: **its buttons move the real lock**, and so does what is said to Google's stand-in on the second tab.

1. Press the button at the left end of **Open**.
2. Watch the words under *Open the front door*: first the node works, then it says what the lock said.
3. The **debug** sidebar (the beetle) shows the message that came out.

Double-click any node to see its settings. Nothing is kept when the demo ends.
`;

/**
 * @param {{ url: string, folder: URL, env: Record<string, string | undefined>, say: (line: string) => void }} options `url` is where
 *   Node-RED will answer, `folder` has the flows
 * @returns what Node-RED gets, `greet` to be called when it answers, and `close`, which ends everything that was started here
 */
export async function startWorld({ url, folder, env, say }) {
  const real = env.THE_KEYS_HOST ? await realGateway(env, say) : undefined;
  const started = [];
  const close = async () => {
    for (const one of started.splice(0).reverse()) await one.close();
  };
  try {
    const simulated = new SimulatedGateway({ locks: [FRONT_DOOR, GARDEN_GATE], times: TIMES });
    simulated.journal.most = ENOUGH;
    const gateway = await serve(simulated);
    started.push(gateway);
    const google = await startGoogleStandIn({
      ...HOME,
      fulfillmentUrl: new URL('google-smarthome/fulfillment', url).href,
      authorizeUrl: new URL('google-smarthome/oauth/authorize', url).href,
      tokenUrl: new URL('google-smarthome/oauth/token', url).href,
    });
    started.push(google);
    const sber = await startSberCloud({
      devices: { 'demo-user': sberDevices(real?.THE_KEYS_LOCK || FRONT_DOOR.identifier) },
      most: ENOUGH,
    });
    started.push(sber);

    // Compiled beside this file. It loads matter.js when it is first asked.
    const app = new URL('home-app.cjs', import.meta.url);
    const home = await startHome({ app, code: () => codeOfBridge(url) });
    started.push(home);

    const text = readFileSync(new URL('flows.json', folder), 'utf8');
    const flows = JSON.parse(text.replaceAll('%GOOGLE_PAGE%', google.url).replaceAll('%HOME_APP%', home.url));
    if (real !== undefined) flows.find(({ type }) => type === 'tab').info = REAL_LOCK;
    return {
      env: {
        THE_KEYS_HOST: gateway.host,
        THE_KEYS_LOCK: FRONT_DOOR.identifier,
        THE_KEYS_CODE: FRONT_DOOR.code,
        THE_KEYS_HOST_2: gateway.host,
        THE_KEYS_LOCK_2: GARDEN_GATE.identifier,
        THE_KEYS_CODE_2: GARDEN_GATE.code,
        DEMO_HOME_GRAPH: google.homeGraphEndpoint,
        DEMO_SERVICE_ACCOUNT: google.serviceAccountKey,
        DEMO_SBER: sber.url,
        DEMO_SBER_KEY: sber.token,
        ...real,
      },
      flows,
      credentials: JSON.parse(readFileSync(new URL('credentials.json', folder), 'utf8')),
      greet: () => {
        say(`The demo is ready: ${url}`);
        if (real === undefined) say(`  a simulated gateway with two locks at ${gateway.url}`);
        say(`  a stand-in for Google to speak to: ${google.url}`);
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The eleven digits, as the bridge's dialog shows them; where they are off, as after "Pair another". */
async function codeOfBridge(url) {
  const ask = async (what) => {
    const init = {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ id: BRIDGE }),
    };
    return (await fetch(new URL(`thekeys-gateway/matter/${what}`, url), init)).json();
  };
  const shown = await ask('status');
  const { pairing, error } = shown.pairing?.openForMs === 0 ? await ask('pair') : shown;
  if (pairing) return pairing.manualCode;
  throw new Error(
    error ? 'Switch this tab on first (see its comment).' : 'The bridge is starting. Try again in a moment.',
  );
}

/** The variables that point the front door at a real lock, and the garden gate too where a second share is given. */
async function realGateway(env, say) {
  const host = env.THE_KEYS_HOST;
  if (!env.THE_KEYS_CODE) {
    throw Object.assign(
      new Error("THE_KEYS_HOST is set, THE_KEYS_CODE is not: give the code of the lock's share with this gateway too."),
      { plain: true },
    );
  }
  const lock = env.THE_KEYS_LOCK || (await onlyLock(host, say));
  say(`Real gateway: ${host}, ${lock ? `lock ${lock}` : 'no lock known: name it with THE_KEYS_LOCK'}`);
  const first = { THE_KEYS_HOST: host, THE_KEYS_LOCK: lock, THE_KEYS_CODE: env.THE_KEYS_CODE };
  if (!env.THE_KEYS_LOCK_2 || !env.THE_KEYS_CODE_2) {
    say('The garden gate of the demo stays simulated; THE_KEYS_LOCK_2 and THE_KEYS_CODE_2 make it real too.');
    return first;
  }
  return {
    ...first,
    THE_KEYS_HOST_2: env.THE_KEYS_HOST_2 || host,
    THE_KEYS_LOCK_2: env.THE_KEYS_LOCK_2,
    THE_KEYS_CODE_2: env.THE_KEYS_CODE_2,
  };
}

/** The lock that the gateway sees. Of several the first: which one the code opens, only its owner knows. */
async function onlyLock(host, say) {
  const url = new URL('/lockers', /^https?:\/\//.test(host) ? host : `http://${host}`);
  try {
    const answer = await (await fetch(url, { signal: AbortSignal.timeout(10_000) })).json();
    const seen = (answer.devices ?? []).map(({ identifier }) => String(identifier));
    if (seen.length > 1) say(`The gateway sees the locks ${seen.join(', ')}; THE_KEYS_LOCK chooses one.`);
    return seen[0] ?? '';
  } catch {
    say(`The gateway at ${host} does not answer (yet). The demo starts all the same.`);
    return '';
  }
}
