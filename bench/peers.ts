/**
 * What a user would install instead, measured side by side in one run: `npm run bench -- peers`. Peers are installed into a
 * temporary folder from the npm registry; one that the registry does not have is named and left out. What their figures leave
 * out stands in docs/performance.md: they answer Google before anything happened.
 */
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import http from 'node:http';
import os from 'node:os';
import path from 'node:path';
import { promisify } from 'node:util';
import { fetchCode, redeem } from '../simulators/google/link';
import { linkableAccount, obedientLock } from '../test/support/google-flow';
import { NodeRed, type FlowNode } from '../test/support/node-red';
import { nodeRed5, type OtherNodeRed } from '../test/support/node-red-5';
import { post } from './post';
import { bootOf } from './startup';
import { median, type Row } from './table';

const DEVICES = 100;
const AT_ONCE = 20;
const ROUNDS = 3;
const BOOTS = 5;
const OURS = 'node-red-contrib-thekeys-gateway';
const PEER = 'node-red-contrib-google-smarthome';
const PROJECT = 'demo-home-project';
const CLIENT = { id: 'demo-client', secret: 'demo-client-secret' };
/** Packages for The Keys that were published once. */
const OTHERS = ['the-keys', 'node-red-contrib-thekey', 'node-red-contrib-thekeys'];

const exec = promisify(execFile);

interface Installed {
  folder: string;
  megabytes: number;
  packages: number;
}

export async function run(): Promise<Row[]> {
  const temporary = await mkdtemp(path.join(os.tmpdir(), 'the-keys-peers-'));
  try {
    const rows = await Promise.all(OTHERS.map(missing));
    const ours = await install(temporary, 'ours', await packed(temporary));
    const peer = await install(temporary, 'peer', PEER);
    // The peer's newest version needs Node-RED 5: under 4.1 it answers no address.
    const host = await nodeRed5();
    return [
      ...rows.flat(),
      row(`installed: ${PEER}`, ours.megabytes, peer.megabytes, 'MB'),
      row(`installed packages: ${PEER}`, ours.packages, peer.packages, ''),
      ...(await startUp(ours, peer, host)),
      ...(await commands(ours, peer, host)),
    ];
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

function row(name: string, here: number, there: number, unit: string, better?: Row['better']): Row {
  return { name, value: here, unit, against: { name: 'there', value: there }, ...(better && { better }) };
}

/** A line that says whether a peer can be had. */
async function missing(name: string): Promise<Row[]> {
  const found = await exec('npm', ['view', name, 'version']).then(
    () => true,
    () => false,
  );
  return [{ name: `packages named ${name} in the npm registry`, value: Number(found), unit: '' }];
}

async function packed(folder: string): Promise<string> {
  await exec('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder]);
  const [file] = (await readdir(folder)).filter((name) => name.endsWith('.tgz'));
  return path.join(folder, file ?? '');
}

async function install(temporary: string, name: string, what: string): Promise<Installed> {
  const folder = path.join(temporary, name);
  await exec('mkdir', ['-p', folder]);
  const manifest: Record<string, unknown> = { name, private: true };
  const npm = (): Promise<unknown> => exec('npm', ['install', what, '--ignore-scripts', '--no-audit'], { cwd: folder });
  await writeFile(path.join(folder, 'package.json'), JSON.stringify(manifest));
  try {
    await npm();
  } catch {
    // A registry that does not have the newest of its parts: the newest that there is must do.
    const { stdout } = await exec('npm', ['view', '@googleapis/homegraph', 'version']);
    const overrides = { '@googleapis/homegraph': stdout.trim() };
    await writeFile(path.join(folder, 'package.json'), JSON.stringify({ ...manifest, overrides }));
    await npm();
  }
  const modules = path.join(folder, 'node_modules');
  const lock = JSON.parse(await readFile(path.join(folder, 'package-lock.json'), 'utf8')) as { packages: object };
  return { folder, megabytes: (await bytesIn(modules)) / 1e6, packages: Object.keys(lock.packages).length - 1 };
}

async function bytesIn(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true, withFileTypes: true });
  const sizes = await Promise.all(
    files.filter((file) => file.isFile()).map(async (file) => (await stat(path.join(file.parentPath, file.name))).size),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

function folderOf({ folder }: Installed, name: string): Record<string, string> {
  return { [name]: path.join(folder, 'node_modules', name) };
}

async function startUp(ours: Installed, peer: Installed, host: OtherNodeRed): Promise<Row[]> {
  const boots: Record<'empty' | 'ours' | 'peer', { ms: number; rssMb: number }[]> = { empty: [], ours: [], peer: [] };
  for (let round = 0; round < BOOTS; round += 1) {
    boots.empty.push(await bootOf({}, host));
    boots.ours.push(await bootOf(folderOf(ours, OURS), host));
    boots.peer.push(await bootOf(folderOf(peer, PEER), host));
  }
  const added = (which: 'ours' | 'peer', of: 'ms' | 'rssMb'): number =>
    median(boots[which].map((boot, round) => boot[of] - (boots.empty[round]?.[of] ?? 0)));
  return [
    row(`added to the start of Node-RED: ${PEER}`, added('ours', 'ms'), added('peer', 'ms'), 'ms'),
    row(`added memory: ${PEER}`, added('ours', 'rssMb'), added('peer', 'rssMb'), 'MB'),
  ];
}

/**
 * QUERY and EXECUTE of a hundred locks, each package in a Node-RED of its own, as what one does after it has answered would
 * count against the other.
 */
async function commands(ours: Installed, peer: Installed, host: OtherNodeRed): Promise<Row[]> {
  const agent = new http.Agent({ keepAlive: true, maxSockets: AT_ONCE });
  const here = await NodeRed.start({ ...host, packages: folderOf(ours, OURS) });
  const there = await NodeRed.start({ ...host, packages: folderOf(peer, PEER) });
  try {
    const ways = { here: await linkOurs(here), there: await linkPeer(there) };
    const rows: Row[] = [];
    for (const { intent, requests, inputOf } of INTENTS) {
      const perSecond: Record<'here' | 'there', number[]> = { here: [], there: [] };
      for (let round = -1; round < ROUNDS; round += 1) {
        for (const which of ['here', 'there'] as const) {
          const { url, token, ids } = ways[which];
          const body = JSON.stringify({ requestId: 'bench', inputs: [inputOf(ids)] });
          const rate = await rateOf(requests, () => postFine(agent, url, token, body));
          if (round >= 0) perSecond[which].push(rate);
        }
      }
      const name = `Google ${intent} of ${DEVICES} locks, ${AT_ONCE} requests at a time: ${PEER}`;
      rows.push(row(name, median(perSecond.here), median(perSecond.there), '/s', 'more'));
    }
    return rows;
  } finally {
    agent.destroy();
    await Promise.all([here.stop(), there.stop()]);
  }
}

const INTENTS: { intent: string; requests: number; inputOf: (ids: string[]) => object }[] = [
  {
    intent: 'QUERY',
    requests: 200,
    inputOf: (ids) => ({ intent: 'action.devices.QUERY', payload: { devices: ids.map((id) => ({ id })) } }),
  },
  {
    intent: 'EXECUTE',
    requests: 40,
    inputOf: (ids) => ({
      intent: 'action.devices.EXECUTE',
      payload: {
        commands: [
          {
            devices: ids.map((id) => ({ id })),
            execution: [{ command: 'action.devices.commands.LockUnlock', params: { lock: true } }],
          },
        ],
      },
    }),
  },
];

interface Way {
  url: string;
  token: string;
  ids: string[];
}

async function rateOf(requests: number, ask: () => Promise<void>): Promise<number> {
  const began = performance.now();
  let left = requests;
  const worker = async (): Promise<void> => {
    while ((left -= 1) >= 0) await ask();
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return (requests * 1000) / (performance.now() - began);
}

function doorsOf(whose: string): string[] {
  return Array.from({ length: DEVICES }, (_, index) => `${whose}-door-${index}`);
}

function ourFlow(): FlowNode[] {
  const devices = doorsOf('ours').map((id, index) => ({
    ...{ id, type: 'google-smarthome-in', z: 'tab', x: 100, y: 40 * index, account: 'account', wires: [['answer']] },
    ...{ deviceId: id, deviceName: id, nicknames: [], roomHint: '', deviceType: 'LOCK', pinFor: 'none' },
    replyTimeout: 20_000,
  }));
  const out = { id: 'out', type: 'google-smarthome-out', z: 'tab', x: 500, y: 40, account: 'account', device: '' };
  return [
    linkableAccount('account'),
    ...devices,
    obedientLock('answer', { z: 'tab', x: 300, y: 40 }, 'out'),
    { ...out, wires: [] },
  ];
}

function peerFlow(): FlowNode[] {
  const client = {
    ...{ id: 'peer-account', type: 'googlesmarthome-client', name: '', enabledebug: false, default_lang: 'en' },
    ...{ usehttpnoderoot: true, httppath: 'peer', port: '', ssloffload: false },
    ...{ local_scan_type: '', local_scan_port: '', localport: '' },
    credentials: {
      ...{ username: 'anna', password: 'correct horse', publickey: '', privatekey: '', jwtkey: 'peer-key.json' },
      ...{ clientid: CLIENT.id, clientsecret: CLIENT.secret },
    },
  };
  const devices = doorsOf('peer').map((id, index) => ({
    ...{ id, type: 'google-device', z: 'tab', x: 700, y: 40 * index, client: 'peer-account', name: id, nicknames: '' },
    ...{ topic: '', online: true, room_hint: '', device_type: 'LOCK', trait_lockunlock: true, pin_lockunlock: false },
    ...{ passthru: false, persistent_state: false, wires: [[]] },
  }));
  return [client, ...devices];
}

async function linkOurs(nodeRed: NodeRed): Promise<Way> {
  await nodeRed.deploy([{ id: 'tab', type: 'tab', label: 'bench' }, ...ourFlow()]);
  const settings = {
    authorizeUrl: `${nodeRed.url}/google-smarthome/oauth/authorize`,
    tokenUrl: `${nodeRed.url}/google-smarthome/oauth/token`,
    ...{ projectId: PROJECT, clientId: CLIENT.id, clientSecret: CLIENT.secret },
  };
  const { accessToken } = await redeem(settings, await fetchCode(settings, 'anna', 'correct horse'));
  return { url: `${nodeRed.url}/google-smarthome/fulfillment`, token: accessToken, ids: doorsOf('ours') };
}

/** Its login form, as a browser sends it. */
async function linkPeer(nodeRed: NodeRed): Promise<Way> {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const key = {
    project_id: PROJECT,
    client_email: 'bench@example.invalid',
    private_key: privateKey.export({ type: 'pkcs8', format: 'pem' }),
  };
  await writeFile(path.join(nodeRed.userDir, 'peer-key.json'), JSON.stringify(key), { mode: 0o600 });
  // It finds no place for its addresses in a Node-RED that has had none yet.
  const tab = { id: 'tab', type: 'tab', label: 'bench' };
  const other = { id: 'other', type: 'http in', z: 'tab', x: 100, y: 40, url: '/other', method: 'get', wires: [[]] };
  await nodeRed.deploy([tab, other]);
  await nodeRed.deploy([tab, other, ...peerFlow()]);
  // It opens its addresses a while after it was deployed.
  while ((await fetch(`${nodeRed.url}/peer/oauth`)).status === 404) await new Promise((done) => setTimeout(done, 200));
  const client = { client_id: CLIENT.id, redirect_uri: `https://oauth-redirect.googleusercontent.com/r/${PROJECT}` };
  const login = await fetch(`${nodeRed.url}/peer/oauth`, {
    method: 'POST',
    redirect: 'manual',
    body: new URLSearchParams({
      ...client,
      ...{ state: 'bench', response_type: 'code', username: 'anna', password: 'correct horse' },
    }),
  });
  const code = new URL(login.headers.get('location') ?? '', nodeRed.url).searchParams.get('code') ?? '';
  const answer = await fetch(`${nodeRed.url}/peer/token`, {
    method: 'POST',
    body: new URLSearchParams({ ...client, client_secret: CLIENT.secret, grant_type: 'authorization_code', code }),
  });
  const { access_token: token } = (await answer.json()) as { access_token?: string };
  if (token === undefined) throw new Error(`${PEER} cannot be linked: HTTP ${answer.status}`);
  return { url: `${nodeRed.url}/peer/smarthome`, token, ids: doorsOf('peer') };
}

/** As `post`; a fault of a device is one too. */
async function postFine(...request: Parameters<typeof post>): Promise<void> {
  const text = await post(...request);
  if (text.includes('"ERROR"') || !text.includes('online')) throw new Error(`answered ${text.slice(0, 300)}`);
}
