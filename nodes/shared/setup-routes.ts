/**
 * What the dialogs ask of the runtime while a gateway is set up: find it, list the locks it sees, test a share, take one over
 * or create one with the vendor's account. For people who may edit flows; everybody else may only list the locks of a
 * deployed gateway. Answers hold no secret but the code of the share that a person has just chosen, with their own login.
 */
import type { NodeAPI } from 'node-red';
import { systemClock } from '../../src/common/clock';
import { CodedError, systemCode } from '../../src/common/errors';
import { silent } from '../../src/common/log';
import { textSetting } from '../../src/common/settings';
import { parseAddress, type GatewayAddress } from '../../src/thekeys/gateway-address';
import { TheKeysCloud } from '../../src/thekeys/cloud';
import { readIdentifier } from '../../src/thekeys/commands';
import type { CommandOptions, Gateway } from '../../src/thekeys/gateway';
import { lookupAll } from '../../src/thekeys/names';
import { findGateways, requireLocal, USUAL_NAMES, type Nearby } from '../../src/thekeys/nearby';
import { routesOf, stored, substituted, type Body } from './admin';
import { accountInDialog, deployed } from './define-config';
import { checkedCode, gatewaysOf } from './gateway-access';
import { proxyOf } from './runtime';

/** A person waits before the dialog, so a gateway that is switched off is not tried for longer. Milliseconds all. */
const UNREACHABLE = { unreachableMs: 4000 };
const FIND = { deadlineMs: 2000, timeoutMs: 2000 };
const LIST = { deadlineMs: 10_000, timeoutMs: 10_000, ...UNREACHABLE };
const SYNCHRONIZE = { deadlineMs: 20_000, timeoutMs: 30_000, ...UNREACHABLE };
/** A reading takes the lock up to 4 s, and a busy gateway is asked again. */
const TEST = { deadlineMs: 20_000, timeoutMs: 10_000, ...UNREACHABLE };

const CONFIG = 'gateway-config';

export function addSetupRoutes(RED: NodeAPI): void {
  const route = routesOf(RED, CONFIG);
  route('get', '/gateways/:id/locks', async ({ id }, signal) => {
    const access = accountInDialog(RED, CONFIG, id);
    return { locks: await access.run({ ...LIST, signal }, (gateway, options) => gateway.list(options)) };
  });
  route('post', '/find', async (_body, signal) => ({ gateways: await find(RED, signal) }));
  route('post', '/locks', async ({ host }, signal) => {
    return { locks: await askAt(RED, host, { ...LIST, signal }, (gateway, options) => gateway.list(options)) };
  });
  route('post', '/test', (body, signal) => test(RED, body, signal));
  route('post', '/synchronize', async ({ host }, signal) => {
    await askAt(RED, host, { ...SYNCHRONIZE, signal }, (gateway, options) => gateway.synchronize(options));
    return {};
  });
  route('post', '/account', async (body) => ({ locks: await locksAndShares(cloudOf(RED, body)) }));
  route('post', '/share', (body) => share(cloudOf(RED, body), body));
}

function find(RED: NodeAPI, signal: AbortSignal): Promise<Nearby[]> {
  const known = gatewaysOf(RED).addresses;
  const version = async (address: GatewayAddress, host: string): Promise<number | null> => {
    const isOurs = known.includes(host);
    try {
      const at = isOurs ? parseAddress(host) : address;
      return (await ask(RED, at, { ...FIND, signal }, (gateway, options) => gateway.status(options))).version;
    } catch (error) {
      // One of ours that has no time now is still there.
      if (isOurs && ['EXPIRED', 'GATEWAY_BUSY'].includes(systemCode(error) ?? '')) return null;
      throw error;
    }
  };
  return findGateways([...known, ...USUAL_NAMES], { lookup: lookupAll, clock: systemClock, ask: version });
}

async function test(RED: NodeAPI, body: Body, signal: AbortSignal): Promise<object> {
  const identifier = readIdentifier({}, { node: substituted(RED, body.identifier), gateway: '' });
  const code = checkedCode(textSetting(substituted(RED, codeOf(RED, body)), 'the share code'));
  const { state, batteryPercent } = await askAt(RED, body.host, { ...TEST, signal }, (gateway, options) =>
    gateway.lockStatus({ identifier, code }, options),
  );
  return { state, batteryPercent };
}

type Ask<T> = (gateway: Gateway, options: CommandOptions) => Promise<T>;

/** At what was typed: addresses in the local network, and those that are in use here already. @throws CodedError */
async function askAt<T>(RED: NodeAPI, host: unknown, options: CommandOptions, command: Ask<T>): Promise<T> {
  const address = addressOf(RED, host);
  const isKnown = gatewaysOf(RED).addresses.includes(address.key);
  const permitted = isKnown ? address : await requireLocal(address, { lookup: lookupAll, clock: systemClock });
  return ask(RED, permitted, options, command);
}

/** Uses the queue of the gateway at this address, whatever else uses it, and makes one where nothing does. */
async function ask<T>(RED: NodeAPI, address: GatewayAddress, options: CommandOptions, command: Ask<T>): Promise<T> {
  const log = { ...silent, warn: (text: string) => RED.log.warn(`[gateway-config] ${text}`) };
  const guest = { sharedState: '', identifier: '', code: '', name: '', guest: true };
  const member = gatewaysOf(RED).join({ address, log, ...guest });
  try {
    return await member.run(options, command);
  } finally {
    void member.leave();
  }
}

function addressOf(RED: NodeAPI, host: unknown): GatewayAddress {
  return parseAddress(textSetting(substituted(RED, host), 'the address of the gateway'));
}

/**
 * The code as typed, or the stored one where the field still shows dots. That one signs only for the address that is
 * deployed: what answers elsewhere could open the door with the signature. @throws CodedError OTHER_ADDRESS
 */
function codeOf(RED: NodeAPI, body: Body): unknown {
  const code = stored(RED, body.id, 'code', body.code);
  if (code === body.code) return code;
  const account = deployed(RED, CONFIG, body.id)?.account;
  const address = account !== undefined && 'value' in account ? account.value.membership.address : undefined;
  if (address?.key === addressOf(RED, body.host).key) return code;
  const hint = 'Type the share code again, or deploy this address first.';
  const message = 'the stored share code is used with the deployed address only';
  throw new CodedError('OTHER_ADDRESS', message, { retriable: false, hint });
}

function cloudOf(RED: NodeAPI, body: Body): TheKeysCloud {
  const password = typeof body.password === 'string' ? body.password : '';
  // Another cloud can be named in settings.js, for tests and for staging.
  const { gatewayConfigCloud } = RED.settings as { gatewayConfigCloud?: unknown };
  return new TheKeysCloud({
    account: textSetting(body.account, 'the account'),
    password: () => password,
    proxy: proxyOf(RED, ''),
    ...(typeof gatewayConfigCloud === 'string' ? { url: gatewayConfigCloud } : {}),
  });
}

/** The locks of the account, each with the shares that it has with gateways, but not with their codes. */
async function locksAndShares(cloud: TheKeysCloud): Promise<object[]> {
  const locks = [];
  for (const lock of await cloud.locks()) {
    const shares = await cloud.shares(lock.id).catch((error: unknown) => {
      // A lock that the account may open, but not administer.
      if (systemCode(error) === 'CLOUD_REFUSED') return [];
      throw error;
    });
    locks.push({ ...lock, shares: shares.map(({ id, name, active, gateway }) => ({ id, name, active, gateway })) });
  }
  return locks;
}

/** The code of a share that exists, or of a new one, and the gateway's address where the cloud knows it. */
async function share(cloud: TheKeysCloud, body: Body): Promise<object> {
  const [lock = '', gateway = ''] = [body.lock, body.gateway].map((each) => textSetting(each, 'the share'));
  const code =
    typeof body.share === 'number'
      ? (await cloud.shares(Number(body.lockId))).find(({ id }) => id === body.share)?.code
      : (await cloud.createShare({ lock, gateway, name: 'Node-RED' })).code;
  if (code === undefined) {
    const hint = 'Show the locks again: the share may have been removed meanwhile.';
    throw new CodedError('CLOUD_REFUSED', 'the cloud does not show this share any more', { retriable: false, hint });
  }
  const host = await cloud.gatewayAddress(Number(body.gatewayId)).catch(() => undefined);
  return { code, host };
}
