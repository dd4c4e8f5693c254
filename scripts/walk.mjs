// Counts the files and functions of the built package that one run of something passes through, by V8's precise coverage:
// `node scripts/walk.mjs` after `npm run build`. Each walk runs in a process of its own, warmed up once before it is counted.
// With `--files` it also names them.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import inspector from 'node:inspector/promises';
import path from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { fileURLToPath, pathToFileURL } from 'node:url';

const script = fileURLToPath(import.meta.url);
const root = path.dirname(path.dirname(script));
const dist = path.join(root, 'dist');
const require = createRequire(script);
const product = (file) => require(path.join(dist, file));

/** What is asked of each walk. */
const MOST = {
  open: { files: 20, functions: 120 },
  poll: {},
  'execute, PIN asked': { files: 20 },
  'execute, PIN given': { files: 20 },
};

const SETTLE_MS = 1000;

const nothing = () => undefined;
/** In a node it is Node-RED's log that gets the lines. */
const LOG = { warn: nothing, info: nothing, debug: nothing, trace: nothing };

const FRONT = { identifier: '45961123', code: 'demo-front-code' };

/** A gateway and a client of it. */
async function house() {
  const { SimulatedGateway } = product('simulators/gateway/gateway.js');
  const { serve } = product('simulators/gateway/server.js');
  const { Gateway } = product('src/thekeys/gateway.js');
  const { parseAddress } = product('src/thekeys/gateway-address.js');
  const { MemoryState } = product('src/state/local.js');
  const server = await serve(new SimulatedGateway({ locks: [FRONT] }));
  const timing = { boltTravel: 0, readBackPauses: [0], breather: 0 };
  const gateway = new Gateway({ address: parseAddress(server.host), state: new MemoryState(), log: LOG, timing });
  return { gateway, server };
}

/** Google's EXECUTE for a lock with a PIN, over HTTP and by the account's own routes, and a flow that answers at once. */
async function googleHome(challenge, expected) {
  const { openAccount } = product('src/google/account.js');
  const { DEVICE_FIELDS, deviceSettings } = product('src/google/device-settings.js');
  const { parseSettings } = product('src/common/settings.js');
  const { MemoryState } = product('src/state/local.js');
  const { systemClock } = product('src/common/clock.js');
  const account = openAccount({
    ...{ state: new MemoryState(), clock: systemClock, log: LOG, prefix: 'google/walk' },
    ...{ projectId: 'demo-home-project', clientId: 'demo-client', clientSecret: 'demo-client-secret' },
    ...{ users: [{ name: 'anna', password: 'correct horse' }], serviceAccountKey: '', endpoint: '' },
  });
  const fields = parseSettings(DEVICE_FIELDS, { deviceId: 'door', deviceType: 'LOCK' });
  const settings = deviceSettings(fields, '1234', 'door');
  account.home.register(settings, {
    onCommand: ({ google }) => void account.home.receive({ payload: { isLocked: false }, google }, ''),
  });
  const redirectUri = 'https://example.com';
  const code = await account.accounts.grantCode({ user: 'anna', redirectUri });
  const { access } = await account.accounts.redeemCode(code, { redirectUri });
  const server = createServer((request, response) => void account.routes['/fulfillment'](request, response));
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const command = 'action.devices.commands.LockUnlock';
  const execution = [{ command, params: { lock: false }, ...(challenge && { challenge }) }];
  const payload = { commands: [{ devices: [{ id: 'door' }], execution }] };
  // The device list is looked at a moment after the devices came; that is no part of a command.
  await setTimeout(SETTLE_MS);
  const body = JSON.stringify({ requestId: '1', inputs: [{ intent: 'action.devices.EXECUTE', payload }] });
  return {
    run: async () => {
      const headers = { Authorization: `Bearer ${access}` };
      const answer = await fetch(`http://127.0.0.1:${server.address().port}`, { method: 'POST', headers, body });
      const text = await answer.text();
      if (!text.includes(`"${expected}"`)) throw new Error(text);
    },
    end: () => {
      server.closeAllConnections();
      server.close();
      return account.close();
    },
  };
}

const WALKS = {
  /** One `open` that is confirmed. */
  open: async () => {
    const { gateway, server } = await house();
    const options = { deadlineMs: 30_000, timeoutMs: 30_000, confirm: true };
    return {
      run: async () => {
        const { confirmed } = await gateway.open(FRONT, options);
        if (!confirmed) throw new Error('the open was not confirmed');
      },
      end: () => server.close(),
    };
  },
  /** One poll of a watched lock that has nothing new to say. */
  poll: async () => {
    const { gateway, server } = await house();
    let polled = () => undefined;
    const stop = gateway.watch(
      { share: FRONT, intervalMs: 300, timeoutMs: 5000 },
      { onReading: () => polled(), onTrouble: nothing, onTroubleLasts: nothing, onRecovered: nothing },
    );
    return {
      run: () => new Promise((resolve) => (polled = resolve)),
      end: () => {
        stop();
        return server.close();
      },
    };
  },
  'execute, PIN asked': () => googleHome(undefined, 'pinNeeded'),
  'execute, PIN given': () => googleHome({ pin: '1234' }, 'SUCCESS'),
};

async function walk(name) {
  const { run, end } = await WALKS[name]();
  await run();
  const session = new inspector.Session();
  session.connect();
  await session.post('Profiler.enable');
  await session.post('Profiler.startPreciseCoverage', { callCount: true, detailed: false });
  await run();
  const { result } = await session.post('Profiler.takePreciseCoverage');
  await end();
  const inside = pathToFileURL(path.join(dist, 'src')).href;
  const ownNodes = pathToFileURL(path.join(dist, 'nodes')).href;
  const files = [];
  for (const { url, functions } of result) {
    const href = url.startsWith('file:') ? url : pathToFileURL(url || '/').href;
    if (!href.startsWith(inside) && !href.startsWith(ownNodes)) continue;
    const file = path.relative(dist, fileURLToPath(href));
    const source = readFileSync(fileURLToPath(href), 'utf8');
    // The bundler makes a function of each export, and helpers of its own that copy them.
    const isOurs = ({ functionName, ranges: [{ startOffset, endOffset }] }) =>
      functionName !== '' && functionName !== 'get' && !/^\(\) => \w+$/.test(source.slice(startOffset, endOffset));
    const called = functions.filter((each) => each.ranges[0].count > 0 && isOurs(each));
    if (called.length === 0) continue;
    files.push({ file, functions: called.map(({ functionName }) => functionName) });
  }
  process.stdout.write(`${JSON.stringify(files)}\n`);
  process.exit(0);
}

function inProcessOfItsOwn(name) {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [script, '--walk', name], { stdio: ['ignore', 'pipe', 'inherit'] });
    let out = '';
    child.stdout.on('data', (text) => (out += text));
    child.on('close', (status) => (status === 0 ? resolve(JSON.parse(out)) : reject(new Error(`${name} failed`))));
  });
}

async function main() {
  if (!existsSync(dist)) throw new Error('there is no dist: run `npm run build` first');
  for (const name of Object.keys(WALKS)) {
    const files = await inProcessOfItsOwn(name);
    const functions = files.reduce((sum, each) => sum + each.functions.length, 0);
    const { files: mostFiles = '–', functions: mostFunctions = '–' } = MOST[name];
    console.log(
      `${name}: ${files.length} files (at most ${mostFiles}), ${functions} functions (at most ${mostFunctions})`,
    );
    if (!process.argv.includes('--files')) continue;
    for (const each of files) console.log(`  ${each.file}: ${each.functions.join(' ')}`);
  }
}

const index = process.argv.indexOf('--walk');
await (index === -1 ? main() : walk(process.argv[index + 1]));
