/**
 * A small service as Google's security guide describes it, with account linking of ours: an alarm that wants a PIN to arm
 * and a "yes" while a window is open, and a front door that wants the PIN to unlock. What the stand-in for Google is
 * tested against.
 */
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { systemClock } from '../../src/common/clock';
import { silent } from '../../src/common/log';
import { authorizeAddress } from '../../src/google/authorize';
import { openLinking } from '../../src/google/linking';
import { tokenAddress } from '../../src/google/token';
import { parseUsers } from '../../src/google/users';
import type { LinkedAccounts } from '../../src/google/accounts';
import { startGoogleStandIn, type RunningStandIn } from '../../simulators/google/page';
import { listOf, treeOf, type GoogleSettings, type Tree } from '../../simulators/google/google';
import { MemoryState } from '../../src/state/local';
import { PROJECT, USERS } from './linking';

const level = (name: string, synonym: string): Tree => ({
  level_name: name,
  level_values: [{ level_synonym: [synonym], lang: 'en' }],
});

const DEVICES = [
  {
    id: 'panel',
    type: 'action.devices.types.SECURITYSYSTEM',
    traits: ['action.devices.traits.ArmDisarm', 'action.devices.traits.StatusReport'],
    name: { name: 'Alarm' },
    willReportState: true,
    attributes: { availableArmLevels: { levels: [level('L1', 'home'), level('L2', 'away')], ordered: true } },
  },
  {
    id: 'door',
    type: 'action.devices.types.LOCK',
    traits: ['action.devices.traits.LockUnlock'],
    name: { name: 'Front door' },
    willReportState: true,
  },
  {
    id: 'window',
    type: 'action.devices.types.SENSOR',
    traits: ['action.devices.traits.OpenClose'],
    name: { name: 'Kitchen window' },
    willReportState: true,
    attributes: { queryOnlyOpenClose: true, discreteOnlyOpenClose: true },
  },
];

export interface GuideHouse {
  settings: GoogleSettings;
  accounts: LinkedAccounts;
  /** What was done, in order: `arm L2`, `disarm`, `unlock`, … */
  done: string[];
  windowOpen: boolean;
  /** The next command is answered PENDING. */
  pending: boolean;
  close(): Promise<void>;
}

export async function openGuideHouse(): Promise<GuideHouse> {
  const linking = openLinking({
    state: new MemoryState(),
    clock: systemClock,
    prefix: 'google/house',
    projectId: PROJECT,
    clientId: 'demo-client',
    clientSecret: 'demo-client-secret',
    users: parseUsers(USERS).users,
    deviceCount: () => 1,
    log: silent,
  });
  const { accounts } = linking;
  const [authorize, token] = [authorizeAddress(linking), tokenAddress(linking)];
  const house = { done: [] as string[], windowOpen: true, pending: false };
  const state = { armed: false, level: 'L1', locked: true };
  let pinPassed = false;

  const statesOf = (id: string): Tree => {
    const currentStatusReport = house.windowOpen
      ? [{ blocking: false, deviceTarget: 'window', priority: 0, statusCode: 'windowOpen' }]
      : [];
    if (id === 'panel') {
      return { online: true, isArmed: state.armed, currentArmLevel: state.level, currentStatusReport };
    }
    return id === 'door' ? { online: true, isLocked: state.locked } : { online: true, openPercent: 100 };
  };
  const challenge = (type: string, states?: Tree): Tree => ({
    status: 'ERROR',
    errorCode: 'challengeNeeded',
    challengeNeeded: { type },
    ...(states === undefined ? {} : { states }),
  });
  const commanded = (id: string, { params, challenge: given }: Tree): Tree => {
    const { arm, armLevel, cancel, lock } = treeOf(params);
    const { pin, ack } = treeOf(given);
    if (ack === false) {
      pinPassed = false;
      return { status: 'ERROR', errorCode: 'userCancelled' };
    }
    if (lock !== true && !pinPassed) {
      if (pin === undefined) return challenge('pinNeeded');
      if (pin !== '1234') return challenge('challengeFailedPinNeeded');
    }
    if (arm === true && cancel !== true && house.windowOpen && ack !== true) {
      pinPassed = true;
      return challenge('ackNeeded', { ...statesOf(id), isArmed: true });
    }
    pinPassed = false;
    if (id === 'door') state.locked = lock === true;
    else {
      state.armed = arm === true && cancel !== true;
      if (state.armed && typeof armLevel === 'string') state.level = armLevel;
    }
    const verb = id === 'door' ? (lock === true ? 'lock' : 'unlock') : arm === true ? `arm ${state.level}` : 'disarm';
    house.done.push(cancel === true ? 'cancel' : verb);
    if (house.pending) {
      house.pending = false;
      return { status: 'PENDING', states: statesOf(id) };
    }
    return { status: 'SUCCESS', states: statesOf(id) };
  };

  async function fulfil(req: http.IncomingMessage, res: http.ServerResponse): Promise<void> {
    let text = '';
    for await (const chunk of req as AsyncIterable<Buffer>) text += chunk.toString();
    const who = await accounts.authenticate((req.headers.authorization ?? '').replace('Bearer ', ''));
    if (who === undefined) {
      res.writeHead(401, { 'WWW-Authenticate': 'Bearer' }).end();
      return;
    }
    const { requestId, inputs } = treeOf(JSON.parse(text));
    const { intent, payload } = listOf(inputs)[0] ?? {};
    const send = (answer: Tree): void => {
      res.writeHead(200, { 'Content-Type': 'application/json' }).end(JSON.stringify(answer));
    };
    switch (intent) {
      case 'action.devices.SYNC':
        send({ requestId, payload: { agentUserId: who.agentUserId, devices: DEVICES } });
        return;
      case 'action.devices.QUERY': {
        const ids = listOf(treeOf(payload).devices).map(({ id }) => String(id));
        const states = ids.map((id) => [id, { ...statesOf(id), status: 'SUCCESS' }] as const);
        send({ requestId, payload: { devices: Object.fromEntries(states) } });
        return;
      }
      case 'action.devices.EXECUTE': {
        const commands = listOf(treeOf(payload).commands).flatMap(({ devices, execution }) =>
          listOf(devices).map(({ id }) => ({
            ids: [id],
            ...commanded(String(id), listOf(execution)[0] ?? {}),
          })),
        );
        send({ requestId, payload: { commands } });
        return;
      }
      default:
        await accounts.disconnect(who.agentUserId, who.link);
        send({});
    }
  }

  const server = http.createServer((req, res) => {
    const path = req.url?.split('?')[0];
    if (path === '/google-smarthome/oauth/authorize') void authorize(req, res);
    else if (path === '/google-smarthome/oauth/token') void token(req, res);
    else void fulfil(req, res).catch(() => res.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const base = `http://127.0.0.1:${(server.address() as AddressInfo).port}/google-smarthome`;
  return Object.assign(house, {
    accounts,
    settings: {
      fulfillmentUrl: `${base}/fulfillment`,
      authorizeUrl: `${base}/oauth/authorize`,
      tokenUrl: `${base}/oauth/token`,
      projectId: PROJECT,
      clientId: 'demo-client',
      clientSecret: 'demo-client-secret',
    },
    close: async () => {
      accounts.close();
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}

/** The house, and Google's side of it as a page, linked by anna. */
export async function openTalkingHouse(): Promise<{
  house: GuideHouse;
  google: RunningStandIn;
  close: () => Promise<void>;
}> {
  const house = await openGuideHouse();
  const google = await startGoogleStandIn({ ...house.settings, user: 'anna', password: 'correct horse' });
  const close = async (): Promise<void> => {
    await google.close();
    await house.close();
  };
  return { house, google, close };
}
