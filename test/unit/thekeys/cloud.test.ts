import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import fc from 'fast-check';
import { CodedError } from '../../../src/common/errors';
import { createApiClient } from '../../../src/common/api-client';
import { systemClock } from '../../../src/common/clock';
import { SimulatedKeysCloud, type SimulatedKeysCloudOptions } from '../../../simulators/keys-cloud';
import { HurriedClock } from '../../support/hurried-clock';
import { TheKeysCloud } from '../../../src/thekeys/cloud';

const PASSWORD = 'made up & half=100%+é';
const GATEWAY = { id: 11, idAccessoire: 'demoGw01', name: 'Hall', type: 1 };
const KEYPAD = { id: 12, idAccessoire: 'demoPad1', name: 'Gate', type: 2 };
const ACCOUNT = {
  username: '+33600000000',
  password: PASSWORD,
  locks: [
    { id: 1756, identifier: '45961123', name: 'Front door', accessories: [GATEWAY, KEYPAD] },
    { id: 1757, identifier: '45961124', name: 'Back door', accessories: [GATEWAY] },
  ],
};

describe("a share in the vendor's cloud", () => {
  let simulated: SimulatedKeysCloud;
  let url: string;

  const start = async (options: Partial<SimulatedKeysCloudOptions> = {}): Promise<void> => {
    simulated = new SimulatedKeysCloud({ accounts: [ACCOUNT], ...options });
    url = await simulated.start();
  };
  const cloud = (password = PASSWORD, account = ACCOUNT.username): TheKeysCloud =>
    new TheKeysCloud({ account, password: () => password, url, timeoutMs: 2000 });
  const WANTED = { lock: '45961123', gateway: 'demoGw01', name: 'Node-RED' };
  const failure = async (promise: Promise<unknown>): Promise<CodedError> => {
    const error = await promise.then(
      () => assert.fail('succeeded'),
      (thrown: unknown) => thrown,
    );
    assert.ok(error instanceof CodedError, inspect(error));
    assert.ok(!inspect(error, { depth: 9 }).includes(PASSWORD));
    return error as CodedError;
  };
  const logins = (): number => simulated.requests.filter(({ path }) => path === '/api/login_check').length;

  beforeEach(() => start());
  afterEach(() => simulated.close());

  it('shows locks and gateways to pick from', async () => {
    const mine = cloud(PASSWORD, ' +33 6 00 00 00 00 ');
    assert.deepEqual(await mine.locks(), [
      {
        id: 1756,
        identifier: '45961123',
        name: 'Front door',
        accessories: [
          { id: 11, accessoryId: 'demoGw01', name: 'Hall', kind: 'gateway' },
          { id: 12, accessoryId: 'demoPad1', name: 'Gate', kind: 'keypad' },
        ],
      },
      {
        id: 1757,
        identifier: '45961124',
        name: 'Back door',
        accessories: [{ id: 11, accessoryId: 'demoGw01', name: 'Hall', kind: 'gateway' }],
      },
    ]);
    await mine.locks();
    assert.equal(logins(), 1);
  });

  it("creates the share under the cloud's own number of the lock, and gives its code", async () => {
    const { code, id } = await cloud().createShare(WANTED);
    const [share] = simulated.shares;
    assert.equal(code, share?.code);
    assert.equal(id, share?.id);
    assert.deepEqual(
      [share?.lockId, share?.idAccessoire, share?.name, share?.active],
      [1756, 'demoGw01', 'Node-RED', true],
    );
  });

  for (const name of ['token', 'access_token'] as const) {
    it(`reads a login that answers with ${name} alone`, async () => {
      await simulated.close();
      await start({ tokenNames: [name] });
      assert.equal((await cloud().locks()).length, 2);
    });
  }

  it('logs in once more when its token has expired, and no more than that', async () => {
    const mine = cloud();
    await mine.locks();
    simulated.expireTokens();
    assert.equal((await mine.locks()).length, 2);
    assert.equal(logins(), 2);
    await simulated.close();
    await start({ tokenSeconds: 0 });
    assert.equal((await failure(cloud().locks())).code, 'CLOUD_REFUSED');
    assert.equal(logins(), 1);
  });

  it('tells a wrong password', async () => {
    const error = await failure(cloud('wrong').locks());
    assert.equal(error.code, 'CLOUD_REFUSED');
    assert.match(error.message, /account and password/);
    assert.equal(error.cause.retriable, false);
  });

  it('tells which locks and gateways there are when the wanted one is not among them', async () => {
    const unknown = await failure(cloud().createShare({ ...WANTED, lock: '1' }));
    assert.equal(unknown.code, 'CLOUD_REFUSED');
    assert.match(unknown.cause.hint, /45961123 \(Front door\), 45961124/);
    const confused = await failure(cloud().createShare({ ...WANTED, lock: '1756' }));
    assert.match(confused.cause.hint, /its ID serrure is 45961123/);
    const nowhere = await failure(cloud().createShare({ ...WANTED, gateway: '11' }));
    assert.equal(nowhere.code, 'CLOUD_REFUSED');
    assert.match(nowhere.cause.hint, /demoGw01 \(Hall\)/);
    assert.match((await failure(cloud().createShare({ ...WANTED, gateway: 'demoPad1' }))).message, /is a keypad/);
    assert.equal((await failure(cloud().createShare({ ...WANTED, name: ' ' }))).code, 'INVALID_INPUT');
    assert.equal(simulated.shares.length, 0);
  });

  it('shows the shares that exist already, with the codes that the same login may read', async () => {
    const mine = cloud();
    assert.deepEqual(await mine.shares(1756), []);
    const { code, id } = await mine.createShare(WANTED);
    const gateway = { id: 11, accessoryId: 'demoGw01', name: 'Hall', kind: 'gateway' };
    assert.deepEqual(await mine.shares(1756), [{ id, code, name: 'Node-RED', active: true, gateway }]);
    assert.deepEqual(await mine.shares(1757), []);
    assert.equal((await failure(mine.shares(NaN))).code, 'CLOUD_REFUSED');
  });

  it('knows the address of a gateway where the cloud does', async () => {
    const mine = cloud();
    assert.equal(await mine.gatewayAddress(11), '192.0.2.7');
    assert.equal(await mine.gatewayAddress(99), undefined);
  });

  it('asks again when a cloud that has too much to do says so, and not beyond its time', async () => {
    const clock = new HurriedClock();
    const mine = new TheKeysCloud({ account: ACCOUNT.username, password: () => PASSWORD, url, clock });
    simulated.failNext('busy', 'create');
    assert.equal((await mine.createShare(WANTED)).code, simulated.shares[0]?.code);
    assert.ok(clock.pauses.includes(1000));
    simulated.failNext('busy', 'utilisateur');
    const impatient = new TheKeysCloud({ account: ACCOUNT.username, password: () => PASSWORD, url, timeoutMs: 900 });
    const error = await failure(impatient.locks());
    assert.deepEqual([error.code, error.cause.httpStatus, error.cause.retriable], ['CLOUD_UNREACHABLE', 429, true]);
  });

  it('tells an account without data', async () => {
    simulated.failNext('null', 'utilisateur');
    assert.equal((await failure(cloud().locks())).code, 'CLOUD_REFUSED');
  });

  it('tells a cloud that is down, whatever it answers then', async () => {
    for (const fault of ['html', 'error', 'drop', 'empty', 'redirect'] as const) {
      for (const path of ['login_check', 'utilisateur', 'create']) {
        simulated.failNext(fault, path);
        const error = await failure(cloud().createShare(WANTED));
        assert.equal(error.code, 'CLOUD_UNREACHABLE', `${fault} ${path}`);
        const maybe = path === 'create';
        assert.equal(error.cause.retriable, !maybe, `${fault} ${path}`);
        assert.equal(error.cause.hint.includes('may have been created'), maybe, `${fault} ${path}`);
      }
    }
    assert.equal(simulated.shares.length, 0);
  });

  it('does not repeat a creation whose answer was lost, and says that the share may exist', async () => {
    simulated.failNext('hang', 'create');
    const impatient = new TheKeysCloud({ account: ACCOUNT.username, password: () => PASSWORD, url, timeoutMs: 150 });
    const error = await failure(impatient.createShare(WANTED));
    assert.equal(error.code, 'CLOUD_UNREACHABLE');
    assert.equal(error.cause.retriable, false);
    assert.match(error.cause.hint, /may have been created/);
    assert.equal(simulated.requests.filter(({ path }) => path.includes('/create/')).length, 1);
  });

  it('tells when nobody is there', async () => {
    await simulated.close();
    const error = await failure(cloud().locks());
    assert.deepEqual([error.code, error.cause.retriable], ['CLOUD_UNREACHABLE', true]);
    await start();
  });

  it('sends a password over encrypted connections only, but for this machine', () => {
    for (const bad of ['http://api.the-keys.fr', 'ftp://127.0.0.1', 'nonsense']) {
      assert.throws(() => new TheKeysCloud({ account: '+33', password: () => 'x', url: bad }), {
        code: 'INVALID_INPUT',
      });
    }
    assert.doesNotThrow(() => new TheKeysCloud({ account: '+33', password: () => 'x' }));
  });

  it('holds neither password nor account data where a log would find them', async () => {
    const mine = cloud();
    await mine.locks();
    const shown = inspect(mine, { depth: 9, showHidden: true });
    assert.ok(!shown.includes(PASSWORD) && !shown.includes('token'), shown);
    assert.ok(!JSON.stringify(simulated.requests).includes(PASSWORD));
  });

  it('is simulated strictly: no bearer, no JSON bodies', async () => {
    const ask = (path: string, headers: Record<string, string>, body: string): Promise<number> =>
      createApiClient({ clock: systemClock })
        .call({ method: 'POST', url: new URL(path, url), headers, body, timeoutMs: 2000, maxBytes: 9999 })
        .then(({ status }) => status);
    const json = JSON.stringify({ _username: ACCOUNT.username, _password: PASSWORD });
    assert.equal(await ask('/api/login_check', { 'Content-Type': 'application/json' }, json), 401);
    assert.equal(await ask('/fr/api/v2/partage/create/1756/accessoire/demoGw01', {}, ''), 401);
  });

  describe('that answers anything', () => {
    const TOKEN = `demo-cloud-token-${'x'.repeat(40)}`;
    let answers: ((sent: string) => { status: number; body: string })[];
    let server: http.Server;

    beforeEach(async () => {
      server = http.createServer((request, response) => {
        let sent = '';
        request.setEncoding('utf8').on('data', (chunk: string) => (sent += chunk));
        request.on('end', () => {
          const { authorization = '' } = request.headers;
          const { status, body } = (answers.shift() ?? (() => ({ status: 500, body: '' })))(sent + authorization);
          response.writeHead(status).end(body);
        });
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    });
    afterEach(() => new Promise((resolve) => server.close(resolve)));

    const login = () => ({ status: 200, body: JSON.stringify({ status: 200, token: TOKEN, access_token: TOKEN }) });

    it('gives locks, a code or an error of the contract, and tells neither password nor token', async () => {
      const field = fc.oneof(fc.constantFrom('45961123', 1756, 'demoGw01', 1, null, ''), fc.jsonValue());
      const accessory = fc.record({ id: field, id_accessoire: field, nom: field, type: field }, { requiredKeys: [] });
      const lock = fc.record(
        {
          id: field,
          id_serrure: field,
          nom: field,
          accessoires: fc.oneof(
            fc.array(fc.oneof(fc.record({ accessoire: fc.oneof(accessory, field) }), accessory, field), {
              maxLength: 3,
            }),
            field,
          ),
        },
        { requiredKeys: [] },
      );
      const envelope = fc.record(
        {
          status: fc.oneof(fc.constantFrom(200, 200, 400, 401, 403, 404, 500), fc.jsonValue()),
          data: fc.oneof(
            fc.record({ serrures: fc.oneof(fc.array(fc.oneof(lock, field), { maxLength: 3 }), field) }),
            fc.record({ code: field, id: field }),
            field,
          ),
          // `@@` becomes what was sent.
          message: fc.oneof(
            fc.constantFrom('@@', `${'no '.repeat(30)}@@`, { global: ['@@'] }, { form: '@@ @@' }),
            field,
          ),
        },
        { requiredKeys: [] },
      );
      const deep = `${'['.repeat(100_000)}${']'.repeat(100_000)}`;
      const said = fc
        .tuple(
          fc.constantFrom(200, 200, 200, 302, 400, 401, 403, 404, 500),
          fc.oneof(
            envelope.map((body) => JSON.stringify(body)),
            fc.json(),
            fc.string(),
            fc.constantFrom(
              '',
              '<html>@@</html>',
              deep,
              `{"data":{"serrures":[{"id":${deep},"id_serrure":"45961123"}]}}`,
            ),
            fc.constant('{"data":{"serrures":[{"id":1756,"id_serrure":"45961123"}]}}'),
          ),
        )
        .map(([status, body]) => (sent: string) => ({
          status,
          body: body.replaceAll('@@', () => JSON.stringify(sent).slice(1, -1)),
        }));
      await fc.assert(
        fc.asyncProperty(fc.boolean(), said, said, said, said, async (in_, ...more) => {
          answers = in_ ? [login, ...more] : more;
          try {
            const { code } = await cloud().createShare(WANTED);
            assert.ok(typeof code === 'string' && code !== '');
          } catch (error) {
            assert.ok(error instanceof CodedError, inspect(error));
            assert.match(error.code as string, /^(CLOUD_REFUSED|CLOUD_UNREACHABLE)$/);
            const told = inspect([error.message, error.cause]);
            for (const secret of [PASSWORD, encodeURIComponent(PASSWORD), 'half%3D100', 'demo-cloud-token']) {
              assert.ok(!told.includes(secret), told);
            }
            assert.ok(told.length < 2000);
          }
        }),
        { numRuns: 200 },
      );
    }).timeout(40_000);

    it('creates nothing for a lock without a number of its own', async () => {
      const locks = (id: string) => () => ({
        status: 200,
        body: `{"data":{"serrures":[{"id":${id},"id_serrure":"45961123"}]}}`,
      });
      for (const id of ['null', '"x"', '{}', '[]', '""', '-1', '1.5', 'true']) {
        answers = [login, locks(id)];
        const error = await failure(cloud().createShare(WANTED));
        assert.equal(error.code, 'CLOUD_REFUSED', id);
      }
    });
  });
});
