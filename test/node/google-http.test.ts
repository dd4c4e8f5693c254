/** The account's addresses as Google and others meet them: tokens, bodies, paths, deploys, and what ends in logs. */
import assert from 'node:assert/strict';
import type { EventEmitter } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import http from 'node:http';
import net from 'node:net';
import os from 'node:os';
import path from 'node:path';
import helper from 'node-red-node-test-helper';
import type { Node, NodeMessage } from 'node-red';
import { serve } from '../../nodes/shared/google-routes';
import type { HttpHandler } from '../../src/google/types';
import { refresh, fetchCode, redeem } from '../../simulators/google/link';
import { ACCOUNT, CREDENTIALS, GoogleFlow, type FlowItem } from '../support/google-nodes';
import { Voice } from '../support/google-voice';

const PIN = '4711';
const lamp = (id: string, account = 'account'): FlowItem => ({
  id: `in-${id}`,
  type: 'google-smarthome-in',
  account,
  deviceId: id,
  deviceName: id,
  deviceType: 'CUSTOM',
  customType: 'LIGHT',
  customTraits: ['OnOff'],
  pinFor: 'none',
  wires: [[`out-${account}`]],
});
const door: FlowItem = {
  id: 'in-door',
  type: 'google-smarthome-in',
  account: 'account',
  deviceId: 'door',
  deviceName: 'Front door',
  deviceType: 'LOCK',
  wires: [['out-account']],
};
const out = (account = 'account', device = ''): FlowItem => ({
  id: `out-${account}${device}`,
  type: 'google-smarthome-out',
  account,
  device,
  wires: [],
});
const SYNC = JSON.stringify({ requestId: '1', inputs: [{ intent: 'action.devices.SYNC' }] });

describe('the Google account on the network', () => {
  let flow: GoogleFlow;
  afterEach(() => flow.stop());

  describe('tokens', () => {
    it('are asked for with 401 and nothing else', async () => {
      flow = await GoogleFlow.start([ACCOUNT, lamp('lamp'), out()]);
      const anna = await flow.link();
      for (const [authorization, challenge] of [
        [undefined, 'Bearer'],
        ['Basic YTpi', 'Bearer'],
        ['Bearer', 'Bearer'],
        ['Bearer nonsense', 'Bearer error="invalid_token"'],
        [`Bearer ${anna.token}x`, 'Bearer error="invalid_token"'],
      ] as const) {
        const response = await fetch(anna.address, {
          method: 'POST',
          body: SYNC,
          headers: authorization === undefined ? {} : { Authorization: authorization },
        });
        assert.equal(response.status, 401, authorization);
        assert.equal(response.headers.get('www-authenticate'), challenge);
        assert.ok(!(await response.text()).includes('lamp'));
      }
      assert.equal((await anna.raw(SYNC)).status, 200);
    });

    it('are for whoever knows the password, spaces at its end included', async () => {
      const account = { ...CREDENTIALS, users: 'anna:correct horse \nben: battery ' };
      flow = await GoogleFlow.start([ACCOUNT, lamp('lamp'), out()], { account });
      for (const [user, password] of [
        ['anna', 'correct horse '],
        ['ben', ' battery '],
      ] as const) {
        assert.ok(await fetchCode(flow.linking(), user, password));
      }
    });

    it("do not reach another account's devices", async () => {
      const other = { ...ACCOUNT, id: 'other', path: '/other' };
      flow = await GoogleFlow.start([ACCOUNT, other, lamp('mine'), lamp('theirs', 'other'), out(), out('other')], {
        other: CREDENTIALS,
      });
      const [anna, ben] = [await flow.link('anna'), await flow.link('ben', '/other')];
      assert.deepEqual(
        (await anna.sync()).map(({ id }) => id),
        ['mine'],
      );
      assert.equal((await anna.execute('theirs', 'OnOff', { on: true })).errorCode, 'deviceNotFound');
      assert.equal((await anna.query('theirs')).theirs?.errorCode, 'deviceNotFound');
      assert.equal((await new Voice(anna.address, ben.token).raw(SYNC)).status, 401);
      assert.equal((await ben.raw(SYNC)).status, 200);
    });

    it("end with DISCONNECT: those of that link, and nobody else's", async () => {
      flow = await GoogleFlow.start([ACCOUNT, lamp('lamp'), out()]);
      const settings = flow.linking();
      const first = await redeem(settings, await fetchCode(settings, 'anna', 'correct horse'));
      const second = await flow.link('anna');
      const ben = await flow.link('ben');
      const anna = new Voice(second.address, first.accessToken);
      assert.deepEqual(await anna.post({ requestId: '1', inputs: [{ intent: 'action.devices.DISCONNECT' }] }), {});
      assert.equal((await anna.raw(SYNC)).status, 401);
      await assert.rejects(refresh(settings, first.refreshToken!), /invalid_grant/);
      assert.equal((await second.raw(SYNC)).status, 200);
      assert.equal((await ben.raw(SYNC)).status, 200);
    });
  });

  describe('bodies', () => {
    it('that are no JSON are 400, those that are too large 413, everything else 200', async () => {
      flow = await GoogleFlow.start([ACCOUNT, lamp('lamp'), out()]);
      const anna = await flow.link();
      for (const body of ['', 'x', '{"requestId":', '<xml/>']) assert.equal((await anna.raw(body)).status, 400, body);
      assert.equal((await anna.raw(`{"a":"${'x'.repeat(5_000_000)}"}`)).status, 413);
      assert.equal(await postInPieces(anna, 5_000_000), 413);
      for (const body of ['null', '5', '[]', '{}', '{"inputs":[]}', '{"inputs":[{"intent":"action.devices.NEW"}]}']) {
        const response = await anna.raw(body);
        assert.equal(response.status, 200, body);
        const { payload } = (await response.json()) as { payload: { status: string } };
        assert.equal(payload.status, 'ERROR');
      }
      assert.equal((await anna.raw(SYNC)).status, 200);
    });

    it('that are read when whoever sent them has gone lead to nothing', async () => {
      flow = await GoogleFlow.start([ACCOUNT, { ...lamp('lamp'), wires: [['told']] }, { id: 'told', type: 'helper' }]);
      const anna = await flow.link();
      let told = 0;
      helper.getNode('told').on('input', () => (told += 1));
      const command = { command: 'action.devices.commands.OnOff', params: { on: true } };
      const body = JSON.stringify({
        requestId: '1',
        inputs: [
          {
            intent: 'action.devices.EXECUTE',
            payload: { commands: [{ devices: [{ id: 'lamp' }], execution: [command] }] },
          },
        ],
      });
      const { port, pathname } = new URL(anna.address);
      const socket = net.connect(Number(port), '127.0.0.1');
      socket.on('error', () => undefined);
      const head = [
        `POST ${pathname} HTTP/1.1`,
        'Host: home.test',
        `Authorization: Bearer ${anna.token}`,
        `Content-Length: ${body.length}`,
      ];
      // Sent and gone in one moment, as it looks to a process that stood still meanwhile.
      socket.end(`${head.join('\r\n')}\r\n\r\n${body}`);
      await new Promise((resolve) => socket.once('close', resolve));
      // Another one's request is answered as ever, after that.
      assert.equal((await anna.raw(SYNC)).status, 200);
      assert.equal(told, 0);
    });

    it('keep every digit of a request id that is a number', async () => {
      flow = await GoogleFlow.start([ACCOUNT, lamp('lamp'), out()]);
      const anna = await flow.link();
      const text = await (await anna.raw(SYNC.replace('"1"', '6894439706274654512'))).text();
      assert.match(text, /"requestId":"6894439706274654512"/);
    });

    it('may have been parsed by a middleware of the whole Node-RED', async () => {
      flow = await GoogleFlow.start([ACCOUNT, lamp('lamp'), out()]);
      const anna = await flow.link();
      const { default: express } = await import('express');
      const app = express();
      app.use(express.json({ limit: '5mb' }), express.urlencoded({ extended: false }), flow.RED.httpNode as never);
      const server = app.listen(0, '127.0.0.1');
      await new Promise((resolve) => server.once('listening', resolve));
      const { port } = server.address() as { port: number };
      const voice = new Voice(`http://127.0.0.1:${port}/google-smarthome/fulfillment`, anna.token);
      try {
        assert.equal((await voice.sync()).length, 1);
        assert.equal((await voice.raw(`{"a":"${'x'.repeat(3_000_000)}"}`)).status, 413);
      } finally {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    });

    it('are left to the account by parsers that come first, below any root, and others get theirs as before', async () => {
      flow = await GoogleFlow.start([ACCOUNT]);
      const { default: express } = await import('express');
      const [outer, inner] = [express(), express()];
      outer.use(express.json({ limit: '5mb' }), express.urlencoded({ extended: true }));
      outer.use('/red', inner);
      const server = http.createServer(outer);
      const seen: unknown[] = [];
      const answer: HttpHandler = (request, response) => {
        seen.push([request.body, request.readableEnded]);
        response.end();
        return Promise.resolve();
      };
      const withdraw = serve({ app: inner, root: '/red/', server }, '/home', { '/fulfillment': answer });
      inner.post('/other', (request, response) => {
        seen.push(request.body);
        response.end();
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const { port } = server.address() as { port: number };
      // As it is written, a fragment and a whole URL included: fetch would tidy it up.
      const post = (target: string): Promise<number> =>
        new Promise((resolve, reject) => {
          const headers = { 'Content-Type': 'application/json' };
          const request = http.request({ port, host: '127.0.0.1', method: 'POST', headers, path: target }, (found) => {
            found.resume();
            resolve(found.statusCode ?? 0);
          });
          request.on('error', reject).end('{"a":1}');
        });
      const targets = [
        '/red/home/fulfillment',
        '/red/home/fulfillment/?x=1',
        '/red/home/fulfillment#x',
        `http://127.0.0.1:${port}/red/home/fulfillment`,
        'HTTP://elsewhere.example/red/home/fulfillment?x#y',
      ];
      try {
        for (const target of targets) assert.equal(await post(target), 200, target);
        assert.deepEqual(
          seen,
          targets.map(() => [undefined, false]),
        );
        await post('/red/other');
        assert.deepEqual(seen.at(-1), { a: 1 });
        withdraw();
        assert.equal(await post('/red/home/fulfillment'), 404);
      } finally {
        server.closeAllConnections();
        await new Promise((resolve) => server.close(resolve));
      }
    });
  });

  describe('paths and deploys', () => {
    let userDir: string;
    beforeEach(async () => {
      userDir = await mkdtemp(path.join(os.tmpdir(), 'google-http-'));
    });
    afterEach(() => rm(userDir, { recursive: true, force: true }));

    it('come with the account and go with it', async () => {
      flow = await GoogleFlow.start([ACCOUNT, lamp('lamp'), out()]);
      const anna = await flow.link();
      assert.equal((await fetch(anna.address)).status, 405);
      await flow.deploy([], 'full');
      assert.equal((await fetch(anna.address)).status, 404);
      assert.equal((await anna.raw(SYNC)).status, 404);
    });

    it('may change without anybody linking again', async () => {
      flow = await GoogleFlow.start([ACCOUNT, lamp('lamp'), out()]);
      const anna = await flow.link();
      await flow.deploy([{ ...ACCOUNT, path: '/home' }, lamp('lamp'), out()]);
      assert.equal((await anna.raw(SYNC)).status, 404);
      const moved = new Voice(anna.address.replace('/google-smarthome/', '/home/'), anna.token);
      assert.equal((await moved.sync()).length, 1);
    });

    it('leave the other devices alone when one node is deployed', async () => {
      flow = await GoogleFlow.start([
        ACCOUNT,
        lamp('one'),
        lamp('two'),
        out(),
        out('account', 'one'),
        out('account', 'two'),
      ]);
      const anna = await flow.link();
      await flow.receive('out-accountone', { payload: { on: true } });
      await flow.receive('out-accounttwo', { payload: { on: true } });
      const changed = { ...lamp('two'), deviceName: 'another name' };
      await flow.deploy([ACCOUNT, lamp('one'), changed, out(), out('account', 'one'), out('account', 'two')]);
      const states = await anna.query('one', 'two');
      assert.deepEqual([states.one?.on, states.two?.on], [true, true]);
      await flow.deploy([ACCOUNT, lamp('one'), changed, out(), out('account', 'one')], 'full');
      assert.equal((await anna.query('one')).one?.on, true);
    });

    it('keep links, states and lock-outs over a restart', async () => {
      flow = await GoogleFlow.start(
        [ACCOUNT, door, out(), out('account', 'door')],
        { 'in-door': { pin: PIN } },
        { userDir },
      );
      let anna = await flow.link();
      const { token } = anna;
      await flow.receive('out-accountdoor', { payload: { isLocked: true } });
      for (const pin of ['1', '2', '3', '4', '5']) await anna.execute('door', 'LockUnlock', { lock: false }, { pin });
      await flow.stop();
      flow = await GoogleFlow.start([ACCOUNT, door, out()], { 'in-door': { pin: PIN } }, { userDir });
      anna = new Voice(`${flow.base}/google-smarthome/fulfillment`, token);
      assert.equal((await anna.query('door')).door?.isLocked, true);
      const result = await anna.execute('door', 'LockUnlock', { lock: false }, { pin: PIN });
      assert.equal(result.errorCode, 'tooManyFailedAttempts');
      for (const file of await readdir(path.join(userDir, 'thekeys-gateway'))) {
        const text = await readFile(path.join(userDir, 'thekeys-gateway', file), 'utf8');
        for (const secret of [PIN, token, CREDENTIALS.clientSecret, 'correct horse'])
          assert.ok(!text.includes(secret), file);
      }
    });

    it('fill no log while what is kept cannot be read, however many ask', async () => {
      await mkdir(path.join(userDir, 'thekeys-gateway', 'google%2Faccount%2Faccounts.json'), { recursive: true });
      flow = await GoogleFlow.start([ACCOUNT, lamp('lamp'), out()], {}, { userDir });
      const stranger = new Voice(`${flow.base}/google-smarthome/fulfillment`, 'of-nobody');
      const { tokenUrl } = flow.linking();
      const { clientId, clientSecret } = CREDENTIALS;
      for (let times = 0; times < 20; times += 1) {
        assert.equal((await stranger.raw(SYNC)).status, 503);
        const grant = { grant_type: 'refresh_token', refresh_token: 'of-nobody' };
        const body = new URLSearchParams({ client_id: clientId, client_secret: clientSecret, ...grant });
        assert.equal((await fetch(tokenUrl, { method: 'POST', body })).status, 503);
      }
      assert.equal(logged().split('a request of Google could not be answered').length - 1, 1);
      assert.ok(logged().split('account linking').length - 1 <= 2);
    });

    it('are not there while a setting is a variable that is not set, and the log says which', async () => {
      for (const [change, words] of [
        [{ clientSecret: '${UNSET_SECRET}' }, /UNSET_SECRET.*client secret is not set/],
        [{ clientId: '${UNSET_ID}' }, /UNSET_ID.*client ID is not set/],
        [{ users: '${UNSET_USERS}' }, /UNSET_USERS.*list of users is not set/],
      ] as const) {
        flow = await GoogleFlow.start([ACCOUNT, lamp('lamp'), out()], { account: { ...CREDENTIALS, ...change } });
        assert.match(logged(), words);
        assert.equal((await fetch(`${flow.base}/google-smarthome/oauth/token`)).status, 404);
        await flow.stop();
      }
      flow = await GoogleFlow.start([{ ...ACCOUNT, projectId: '${UNSET_PROJECT}' }, lamp('lamp'), out()]);
      assert.match(logged(), /UNSET_PROJECT.*project ID is not set/);
    });

    it('leave out a user whose line has a variable in it', async () => {
      const account = { ...CREDENTIALS, users: 'anna:${PASSWORD}\nben:battery staple' };
      flow = await GoogleFlow.start([ACCOUNT, lamp('lamp'), out()], { account });
      assert.match(logged(), /users: line 1 has a variable in it/);
      await assert.rejects(fetchCode(flow.linking(), 'anna', '${PASSWORD}'), /403/);
      assert.ok(await fetchCode(flow.linking(), 'ben', 'battery staple'));
    });

    it('are behind a password of Node-RED’s that Google does not have, and the log says so', async () => {
      const settings = { httpNodeAuth: { user: 'x', pass: 'y' } };
      flow = await GoogleFlow.start([ACCOUNT, lamp('lamp'), out()], {}, { settings });
      assert.match(logged(), /httpNodeAuth.*Google cannot reach/);
    });

    it('say in a browser that they work', async () => {
      flow = await GoogleFlow.start([ACCOUNT, lamp('lamp'), out()]);
      for (const address of ['fulfillment', 'oauth/token']) {
        const answer = await fetch(`${flow.base}/google-smarthome/${address}`);
        assert.equal(answer.status, 405);
        assert.match(await answer.text(), /This address works/);
        assert.equal((await fetch(answer.url, { method: 'HEAD' })).status, 405);
      }
    });

    it('cannot be shared by two accounts: the second says so', async () => {
      flow = await GoogleFlow.start([
        ACCOUNT,
        { ...ACCOUNT, id: 'second' },
        lamp('lamp'),
        lamp('late', 'second'),
        out(),
      ]);
      const anna = await flow.link();
      assert.equal((await anna.sync()).length, 1);
      assert.match(logged(), /two Google accounts have the path/);
    });

    it('are not there where httpNodeRoot is off, and the nodes say why', async () => {
      flow = await GoogleFlow.start([ACCOUNT, lamp('lamp'), out()], {}, { settings: { httpNodeRoot: false } });
      assert.match(logged(), /httpNodeRoot/);
      const response = await fetch(`${flow.base}/google-smarthome/fulfillment`, { method: 'POST', body: SYNC });
      assert.equal(response.status, 404);
    });
  });

  describe('a PIN that is a number, as a variable of a tab may be', () => {
    it('is asked for, and nothing opens until it is said', async () => {
      const garage = { ...lamp('garage'), customType: 'GARAGE', customTraits: ['OpenClose'], pinFor: 'release' };
      flow = await GoogleFlow.start([ACCOUNT, garage, out()], { 'in-garage': { pin: Number(PIN) } });
      const anna = await flow.link();
      const { challengeNeeded } = await anna.execute('garage', 'OpenClose', { openPercent: 100 });
      assert.equal(challengeNeeded?.type, 'pinNeeded');
      const { status } = await anna.execute('garage', 'OpenClose', { openPercent: 100 }, { pin: PIN });
      assert.equal(status, 'SUCCESS');
    });
  });

  describe('what a flow sends', () => {
    const caught = (): Promise<NodeMessage & { error: { code: string; cause: { hint: string } } }> =>
      new Promise((resolve) => helper.getNode('caught').once('input', resolve as never));
    const watched: FlowItem[] = [
      { id: 'catch', type: 'catch', scope: null, wires: [['caught']] },
      { id: 'caught', type: 'helper', wires: [] },
    ];
    /** A lamp whose commands come to a node that the test answers for. */
    const asking = async (): Promise<{ anna: Voice; ask: Node }> => {
      const ask = { id: 'ask', type: 'helper', wires: [['out-account']] };
      flow = await GoogleFlow.start([ACCOUNT, { ...lamp('lamp'), wires: [['ask']] }, ask, out(), ...watched]);
      return { anna: await flow.link(), ask: helper.getNode('ask') };
    };

    it('is caught when it is no answer, and the command ends with an error', async () => {
      const { anna, ask } = await asking();
      ask.on('input', (message) => ask.send({ ...message, payload: 'done' }));
      const failing = caught();
      assert.equal((await anna.execute('lamp', 'OnOff', { on: true })).errorCode, 'hardError');
      const { error } = await failing;
      assert.equal(error.code, 'INVALID_INPUT');
      assert.ok(error.cause.hint.length > 0);
    });

    it('twice for one command warns once and changes nothing', async () => {
      const { anna, ask } = await asking();
      let handle: unknown;
      ask.on('input', (message) => {
        handle = (message as { google?: unknown }).google;
        ask.send({ ...message, payload: { on: true } });
      });
      assert.equal((await anna.execute('lamp', 'OnOff', { on: true })).status, 'SUCCESS');
      for (let times = 0; times < 3; times += 1) {
        await flow.receive('out-account', { google: handle, payload: { on: false } });
      }
      assert.equal(logged().split('answered before').length - 1, 1);
      assert.equal((await anna.query('lamp')).lamp?.on, true);
    });

    it('a hundred times in a moment makes few badges, and the last of them is true', async () => {
      flow = await GoogleFlow.start([
        ACCOUNT,
        { ...door, pinFor: 'none', wires: [['ask']] },
        { id: 'ask', type: 'helper', wires: [['out-account']] },
        out(),
      ]);
      const anna = await flow.link();
      const ask = helper.getNode('ask');
      ask.on('input', (message) => {
        const { params } = message.payload as { params: { lock: boolean; last?: true } };
        ask.send({ ...message, payload: params.last === true ? { error: 'deadBattery' } : { isLocked: params.lock } });
      });
      const badges = ['in-door', 'out-account'].map((id) => {
        const shown: string[] = [];
        const last = new Promise<void>((resolve) => {
          const node = helper.getNode(id) as unknown as EventEmitter;
          node.on('call:status', ({ args: [badge] }: { args: [{ text: string }] }) => {
            shown.push(badge.text);
            if (badge.text === 'deadBattery') resolve();
          });
        });
        return { shown, last };
      });
      await Promise.all(
        Array.from({ length: 100 }, (_, index) => anna.execute('door', 'LockUnlock', { lock: index % 2 === 0 })),
      );
      const result = await anna.execute('door', 'LockUnlock', { lock: true, last: true });
      assert.equal(result.errorCode, 'deadBattery');
      for (const { shown, last } of badges) {
        await last;
        assert.equal(shown.at(-1), 'deadBattery');
        assert.ok(shown.length < 90, `${shown.length} badges`);
      }
    });

    it('holds no PIN, neither do the logs', async () => {
      flow = await GoogleFlow.start(
        [ACCOUNT, { ...door, wires: [['ask']] }, { id: 'ask', type: 'helper', wires: [['out-account']] }, out()],
        { 'in-door': { pin: PIN } },
      );
      const anna = await flow.link();
      const ask = helper.getNode('ask');
      const seen: string[] = [];
      ask.on('input', (message) => {
        seen.push(JSON.stringify(message));
        ask.send({ ...message, payload: { isLocked: false } });
      });
      await anna.execute('door', 'LockUnlock', { lock: false }, { pin: '0815' });
      await anna.execute('door', 'LockUnlock', { lock: false }, { pin: PIN });
      assert.equal(seen.length, 1);
      for (const secret of [PIN, '0815', anna.token, CREDENTIALS.clientSecret]) {
        assert.ok(!seen.join().includes(secret) && !logged().includes(secret));
      }
    });

    it('is refused where no account is chosen', async () => {
      flow = await GoogleFlow.start([ACCOUNT, lamp('lamp'), { ...out(), id: 'lost', account: '' }, ...watched]);
      const failing = caught();
      helper.getNode('lost').receive({ payload: { on: true } });
      assert.equal((await failing).error.code, 'INVALID_INPUT');
    });
  });
});

function logged(): string {
  const calls = (helper.log() as unknown as { args: [{ msg: unknown }][] }).args;
  return calls.map(([{ msg }]) => String(msg)).join('\n');
}

/** A body without a length, so that nobody can know beforehand how large it gets. Gives the status. */
function postInPieces(voice: Voice, bytes: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const request = http.request(
      voice.address,
      { method: 'POST', headers: { Authorization: `Bearer ${voice.token}`, 'Transfer-Encoding': 'chunked' } },
      (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      },
    );
    request.on('error', reject);
    const piece = Buffer.alloc(64 * 1024, 0x20);
    for (let sent = 0; sent < bytes; sent += piece.length) request.write(piece);
    request.end();
  });
}
