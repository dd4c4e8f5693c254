/**
 * What strangers may try at the addresses of an account, over HTTP and nothing else, so that it holds of any Node-RED that
 * it is pointed at: nodes in the test's own process, the packed package in a Node-RED 4.1, and in a 5.0. Each attack ends with
 * the one thing that was allowed to happen: a command that needs no PIN, and the only message that the flows have got.
 */
import assert from 'node:assert/strict';
import * as linking from '../../simulators/google/link';
import type { LinkSettings } from '../../simulators/google/link';
import { Voice } from './google-voice';
import type { FlowNode } from './node-red';

const PIN = '4711';
const CLIENT = { clientId: 'demo-client', clientSecret: 'demo-client-secret' };
const HOME_USERS = { anna: 'correct horse', ben: 'battery staple' };
const OTHER_USERS = { carl: 'magpie lantern' };
const PROJECT = 'demo-home-project';

const usersOf = (users: Record<string, string>): string =>
  Object.entries(users)
    .map(([name, password]) => `${name}:${password}`)
    .join('\n');

const device = (id: string, account: string, more: object): FlowNode => ({
  id: `in-${id}`,
  type: 'google-smarthome-in',
  account,
  deviceId: id,
  deviceName: id,
  // A busy machine must not turn an answer in time into a late one.
  replyTimeout: '20000',
  wires: [[`out-${account}`, 'told']],
  ...more,
});
const level = (name: string): object => ({ level_name: name, level_values: [{ level_synonym: [name], lang: 'en' }] });

/** A house with a door and an alarm, and the neighbours' on the same Node-RED. Every command is done as it is asked. */
export const ATTACKED: { items: FlowNode[]; credentials: Record<string, Record<string, string>> } = {
  items: [
    { id: 'home', type: 'google-smarthome-config', projectId: PROJECT },
    { id: 'other', type: 'google-smarthome-config', projectId: PROJECT, path: '/other' },
    device('door', 'home', { deviceType: 'LOCK' }),
    device('alarm', 'home', { levels: [level('stay'), level('away')], defaultLevel: 'stay' }),
    device('their-door', 'other', { deviceType: 'LOCK', pinFor: 'none' }),
    { id: 'out-home', type: 'google-smarthome-out', account: 'home', device: '', wires: [] },
    { id: 'out-other', type: 'google-smarthome-out', account: 'other', device: '', wires: [] },
  ],
  credentials: {
    home: { ...CLIENT, users: usersOf(HOME_USERS) },
    other: { ...CLIENT, users: usersOf(OTHER_USERS) },
    'in-door': { pin: PIN },
    'in-alarm': { pin: PIN },
  },
};

/** Where it runs. A node `told` has to be joined to the items, of whatever type tells this object what it gets. */
export interface Target {
  /** Without a slash at its end. */
  base: string;
  /** Payloads that the flows were given, in order, once there are so many. */
  told: (atLeast: number) => Promise<unknown[]>;
  log: () => string;
}

export function attackSuite(title: string, target: () => Target): void {
  describe(title, () => {
    let anna: Voice;
    let before: number;

    const settings = (path = '/google-smarthome'): LinkSettings => ({
      authorizeUrl: `${target().base}${path}/oauth/authorize`,
      tokenUrl: `${target().base}${path}/oauth/token`,
      projectId: PROJECT,
      ...CLIENT,
    });
    const voice = (token: string, path = '/google-smarthome'): Voice =>
      new Voice(`${target().base}${path}/fulfillment`, token);
    const code = (name: keyof typeof HOME_USERS = 'anna'): Promise<string> =>
      linking.fetchCode(settings(), name, HOME_USERS[name]);
    const link = async (name: keyof typeof HOME_USERS = 'anna'): Promise<Voice> =>
      voice((await linking.redeem(settings(), await code(name))).accessToken);
    const neighbour = async (): Promise<Voice> => {
      const there = settings('/other');
      return voice(
        (await linking.redeem(there, await linking.fetchCode(there, 'carl', OTHER_USERS.carl))).accessToken,
        '/other',
      );
    };
    const SYNC = JSON.stringify({ requestId: '1', inputs: [{ intent: 'action.devices.SYNC' }] });

    beforeEach(async () => {
      before = (await target().told(0)).length;
      anna = await link();
    });
    afterEach(async () => {
      const locked = await anna.execute('door', 'LockUnlock', { lock: true });
      assert.equal(locked.status, 'SUCCESS');
      const told = (await target().told(before + 1)).slice(before);
      assert.deepEqual(told, [
        { command: 'LockUnlock', params: { lock: true }, action: 'close', deviceId: 'door', user: 'anna' },
      ]);
      for (const secret of [PIN, CLIENT.clientSecret, ...Object.values(HOME_USERS), anna.token]) {
        assert.ok(!target().log().includes(secret), 'a secret in the log');
      }
    });

    it('secretless token call: no token without the client secret, and the code stays good', async () => {
      const fresh = await code();
      const grant = { grant_type: 'authorization_code', code: fresh, redirect_uri: linking.redirectAddress(PROJECT) };
      for (const clientSecret of ['', 'demo-client-secre', 'nothing at all']) {
        const answer = await linking.askTokens({ ...settings(), clientSecret }, grant);
        assert.ok([400, 401].includes(answer.status));
        assert.deepEqual(answer.body, { error: 'invalid_client' });
        assert.equal(answer.headers.get('cache-control'), 'no-store');
      }
      await linking.redeem(settings(), fresh);
    });

    it('foreign redirect: nobody is sent anywhere but to Google, and no code is redeemed for another address', async () => {
      for (const address of ['https://evil.example/r/demo-home-project', `${linking.redirectAddress(PROJECT)}/x`, '']) {
        const page = await linking.openPage(linking.authorizeAddress(settings(), { redirect_uri: address }));
        assert.equal(page.status, 400);
        assert.equal(page.location, undefined);
        assert.equal(page.headers.get('x-frame-options'), 'DENY');
      }
      const stolen = { grant_type: 'authorization_code', code: await code(), redirect_uri: 'https://evil.example/' };
      const answer = await linking.askTokens(settings(), stolen);
      assert.equal(answer.status, 400);
      assert.equal(answer.body.error, 'invalid_grant');
    });

    it('code replay: the second use is refused, and within seconds leaves what the first one gave', async () => {
      const once = await code();
      const tokens = await linking.redeem(settings(), once);
      assert.equal((await voice(tokens.accessToken).raw(SYNC)).status, 200);
      await assert.rejects(linking.redeem(settings(), once), /400 invalid_grant/);
      assert.equal((await voice(tokens.accessToken).raw(SYNC)).status, 200);
      await linking.refresh(settings(), tokens.refreshToken!);
    });

    it('guessed ack: agreeing to what was not asked opens and disarms nothing', async () => {
      for (const challenge of [{ ack: true }, { ack: true, pin: '' }, { ack: 'true' }, {}]) {
        const door = await anna.execute('door', 'LockUnlock', { lock: false }, challenge);
        assert.equal(door.challengeNeeded?.type, 'pinNeeded');
        assert.equal(door.states, undefined);
        const alarm = await anna.execute('alarm', 'ArmDisarm', { arm: false }, challenge);
        assert.equal(alarm.challengeNeeded?.type, 'pinNeeded');
        assert.equal(alarm.states, undefined);
      }
    });

    it('PIN brute force: five guesses, one by one or at once, and then not even the right one', async () => {
      const ben = await link('ben');
      const guesses = ['0000', '1111', '2222', '3333', '4444', '5555', '6666', '7777'];
      const answers = await Promise.all(
        guesses.map((pin) => ben.execute('door', 'LockUnlock', { lock: false }, { pin })),
      );
      assert.equal(answers.filter((answer) => answer.challengeNeeded?.type === 'challengeFailedPinNeeded').length, 5);
      assert.equal(answers.filter((answer) => answer.errorCode === 'tooManyFailedAttempts').length, 3);
      const afterwards = await ben.execute('door', 'LockUnlock', { lock: false }, { pin: PIN });
      assert.equal(afterwards.errorCode, 'tooManyFailedAttempts');
      const fresh = await (await link('ben')).execute('door', 'LockUnlock', { lock: false }, { pin: PIN });
      assert.equal(fresh.errorCode, 'tooManyFailedAttempts', 'linking again is no new start');
    });

    it('cancel trick: a cancel that says arm does not arm, and wants the PIN', async () => {
      for (const challenge of [undefined, { ack: true }]) {
        const asked = await anna.execute('alarm', 'ArmDisarm', { arm: true, cancel: true }, challenge);
        assert.equal(asked.challengeNeeded?.type, 'pinNeeded');
      }
      const both = { arm: true, armLevel: 'away', cancel: true };
      assert.equal((await anna.execute('alarm', 'ArmDisarm', both, { pin: PIN })).errorCode, 'functionNotSupported');
      const { alarm } = await anna.query('alarm');
      assert.equal(alarm?.isArmed, false);
    });

    it('oversized body: refused, for strangers before anybody reads it, and the service goes on', async () => {
      const huge = `{"a":"${'x'.repeat(6_000_000)}"}`;
      assert.equal((await anna.raw(huge)).status, 413);
      assert.equal((await voice('of nobody').raw(huge)).status, 401);
      const { authorizeUrl, tokenUrl } = settings();
      for (const address of [authorizeUrl, tokenUrl]) {
        const body = new URLSearchParams({ username: 'x'.repeat(6_000_000) });
        const answer = await fetch(address, { method: 'POST', body, redirect: 'manual' });
        assert.equal(answer.status, 413);
        assert.equal(answer.headers.get('cache-control'), 'no-store');
      }
    });

    it('broken body: 400 for Google, 401 for strangers, and no word of it in the log', async () => {
      const broken = `{"inputs":[{"payload":{"commands":[{"execution":[{"challenge":{"pin":"${PIN}"`;
      for (const headers of [{}, { 'Content-Type': 'text/plain' }]) {
        const answer = await anna.raw(broken, headers);
        assert.equal(answer.status, 400);
        assert.ok(!(await answer.text()).includes(PIN));
        assert.equal((await voice('of nobody').raw(broken, headers)).status, 401);
      }
      assert.equal((await anna.raw('')).status, 400);
      const numbered = await (await anna.raw(SYNC.replace('"1"', '6894439706274654512'))).text();
      assert.match(numbered, /^\{"requestId":"6894439706274654512",/);
    });

    it("unknown user's device: neither told of nor moved, and their flow hears nothing", async () => {
      const carl = await neighbour();
      assert.deepEqual(
        (await carl.sync()).map(({ id }) => id),
        ['their-door'],
      );
      assert.deepEqual(
        (await anna.sync()).map(({ id }) => id),
        ['alarm', 'door'],
      );
      const commanded = await anna.execute('their-door', 'LockUnlock', { lock: false });
      assert.deepEqual(
        [commanded.status, commanded.errorCode, commanded.states],
        ['ERROR', 'deviceNotFound', undefined],
      );
      const asked = (await anna.query('their-door'))['their-door'];
      assert.deepEqual(asked, { status: 'ERROR', online: false, errorCode: 'deviceNotFound' });
    });

    it('token from another link: good at its own account only, and only as what it is', async () => {
      const carl = await neighbour();
      const stranger = voice(carl.token);
      const answer = await stranger.raw(SYNC);
      assert.equal(answer.status, 401);
      assert.match(answer.headers.get('www-authenticate') ?? '', /^Bearer/);
      const tokens = await linking.redeem(settings(), await code('ben'));
      assert.equal((await voice(tokens.refreshToken!).raw(SYNC)).status, 401);
      assert.equal((await voice(await code('ben')).raw(SYNC)).status, 401);
      // Unlinking ends the link that says so, and no other: not ben's, not anna's second one.
      const second = await link();
      await second.post({ requestId: '1', inputs: [{ intent: 'action.devices.DISCONNECT' }] });
      assert.equal((await second.raw(SYNC)).status, 401);
      assert.equal((await voice(tokens.accessToken).raw(SYNC)).status, 200);
      assert.equal((await anna.raw(SYNC)).status, 200);
    });
  });
}
