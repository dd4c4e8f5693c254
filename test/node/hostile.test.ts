/**
 * Messages as no sane flow would send them, into every node that takes some, wired to two nodes each, so that Node-RED
 * copies what is sent: each message ends once, in a result or in an error of the contract, the process lives, nothing is
 * opened by accident, no secret is told, and ordinary messages work afterwards as before.
 */
import assert from 'node:assert/strict';
import fc from 'fast-check';
import nodeRed from 'node-red';
import helper from 'node-red-node-test-helper';
import googleConfig from '../../nodes/google-smarthome-config';
import googleIn from '../../nodes/google-smarthome-in';
import googleOut from '../../nodes/google-smarthome-out';
import { startSberCloud, type SberCloud } from '../../simulators/sber/cloud';
import { ANYTHING } from '../support/anything';
import { FRONT, LockFlow, type FlowItem } from '../support/lock-flow';
import { SBER_NODES } from '../support/sber-flow';

/** Who takes messages, and what an ordinary one is. */
const ORDINARY: Record<string, object> = {
  action: { payload: 'close' },
  status: {},
  sync: { payload: 'list' },
  report: { payload: { isLocked: true } },
  custom: { payload: { on: true } },
  panel: { payload: { isArmed: false } },
  models: { payload: { operation: 'list' } },
  devices: { payload: { operation: 'list' } },
};
const TAKERS = Object.keys(ORDINARY);

const deep = (levels: number): unknown => {
  let value: unknown = {};
  for (let level = 0; level < levels; level += 1) value = { value };
  return value;
};
const cyclic = (): object => {
  const value: Record<string, unknown> = { state: 'open' };
  value.self = value;
  return value;
};
const throwing = (thrown: unknown): object =>
  Object.defineProperty({}, 'trap', {
    enumerable: true,
    get: () => {
      throw thrown;
    },
  });
const sly = (): object =>
  new Proxy(
    {},
    {
      get: () => {
        throw new Error('a trap');
      },
      ownKeys: () => {
        throw new Error('a trap');
      },
    },
  );

/** Made anew for each message: nodes may write into what they are given. */
const NASTY: Record<string, () => unknown> = {
  'a getter that throws': () => throwing(new Error('a trap')),
  'a getter that throws what has no text': () => throwing(Object.create(null)),
  'a proxy that throws': sly,
  'a circle': cyclic,
  'what is nested without end': () => deep(50_000),
  'a huge list': () => Array.from({ length: 200_000 }, (_, index) => index),
  'a huge text': () => 'x'.repeat(5_000_000),
  'a whole number without end': () => 12_345_678_901_234_567_890n,
  'a symbol': () => Symbol('open'),
  'a function': () => () => 'open',
  'an object of no class': () => Object.assign(Object.create(null) as object, { action: 'open', operation: 'list' }),
  'keys that poison': (): unknown =>
    JSON.parse('{"__proto__":{"action":"open","polluted":1},"constructor":{"prototype":{}}}'),
  'what says how it wants to be written': () => ({
    toJSON: () => {
      throw new Error('a trap');
    },
  }),
  'a date that is none': () => new Date(NaN),
  'a text object': () => new String('open'),
  bytes: () => Buffer.from('open'),
};
const nasty = fc
  .constantFrom(...Object.entries(NASTY))
  .map(([name, make]) => Object.assign(make, { toString: () => name }));
const anything = ANYTHING.map((value) => () => value);
const value = fc.oneof(nasty, anything);

const word = fc.constantFrom(
  'open',
  'list',
  'state',
  'report',
  'add',
  'update',
  'delete',
  'sync',
  'create',
  'get',
  'unlink',
);
const field = fc.constantFrom(
  ...['action', 'operation', 'identifier', 'models', 'model_ids', 'devices', 'device_ids', 'user_id', 'isLocked', 'on'],
  ...['isArmed', 'currentStatusReport', 'exceptions', 'challenge', 'error', 'state', 'batteryPercent', 'exitAllowance'],
);
/** Near to what nodes expect, so that it gets past the first look. */
const payload = fc.oneof(
  value,
  fc.tuple(word, fc.array(fc.tuple(field, value), { maxLength: 3 })).map(([operation, fields]) => () => ({
    operation,
    ...Object.fromEntries(fields.map(([name, make]) => [name, make()])),
  })),
  fc
    .array(fc.tuple(field, value), { minLength: 1, maxLength: 3 })
    .map((fields) => () => Object.fromEntries(fields.map(([name, make]) => [name, make()]))),
);
const message = fc
  .tuple(
    fc.constantFrom(...TAKERS),
    payload,
    fc.array(fc.tuple(fc.constantFrom('identifier', 'google', 'error', 'dryRun', 'userId', 'other', 'topic'), value), {
      maxLength: 2,
    }),
  )
  .map(([to, make, others]) => ({ to, make, others }));

interface Hooks {
  add(
    name: string,
    listener: (event: { msg: { probe?: number }; node: { id: string }; error?: unknown }) => void,
  ): void;
  remove(name: string): void;
}

describe('hostile messages', function () {
  this.timeout(120_000);
  const flow = new LockFlow();
  let cloud: SberCloud;
  let ids = 0;
  const ends = new Map<number, unknown[]>();

  before(async () => {
    await flow.begin();
    cloud = await startSberCloud();
    const place = { z: 'tab', x: 100, y: 100 };
    const subject = (id: string, type: string, more: object): FlowItem => ({
      ...place,
      id,
      type,
      wires: [['one', 'two']],
      ...more,
    });
    const items: FlowItem[] = [
      { id: 'tab', type: 'tab' },
      flow.gateway(),
      { id: 'google', type: 'google-smarthome-config', projectId: 'demo-home-project' },
      { id: 'sber', type: 'sber-config', endpoint: cloud.url, timeout: 5 },
      subject('action', 'lock-action', { gateway: 'gw', action: 'message', confirm: false, deadline: 5 }),
      subject('status', 'lock-status', { gateway: 'gw', interval: 0 }),
      subject('sync', 'gateway-sync', { gateway: 'gw', operation: 'message' }),
      subject('door', 'google-smarthome-in', {
        account: 'google',
        deviceId: 'door',
        deviceType: 'LOCK',
        battery: true,
      }),
      subject('lamp', 'google-smarthome-in', {
        account: 'google',
        deviceId: 'lamp',
        deviceType: 'CUSTOM',
        customType: 'LIGHT',
        customTraits: ['OnOff'],
      }),
      subject('alarm', 'google-smarthome-in', { account: 'google', deviceId: 'alarm' }),
      subject('report', 'google-smarthome-out', { account: 'google', device: 'door' }),
      subject('custom', 'google-smarthome-out', { account: 'google', device: 'lamp' }),
      subject('panel', 'google-smarthome-out', { account: 'google', device: 'alarm' }),
      subject('models', 'sber-models', { account: 'sber', operation: 'message' }),
      subject('devices', 'sber-devices', { account: 'sber', operation: 'message', userId: 'AB12345' }),
      { ...place, id: 'one', type: 'helper', wires: [] },
      { ...place, id: 'two', type: 'helper', wires: [] },
      { ...place, id: 'catch', type: 'catch', scope: null, wires: [['one', 'two']] },
    ];
    await flow.load(
      items,
      {
        gw: { code: FRONT.code },
        google: { clientId: 'demo-client', clientSecret: 'demo-client-secret', users: 'anna:correct horse' },
        sber: { token: cloud.token },
      },
      [googleConfig, googleIn, googleOut, ...SBER_NODES],
    );
    hooks.add('onComplete.hostile', ({ msg, node, error }) => {
      if (typeof msg.probe === 'number' && TAKERS.includes(node.id)) ends.get(msg.probe)?.push(error ?? 'ok');
    });
  });
  after(async () => {
    hooks.remove('onComplete.hostile');
    await flow.end();
    await cloud.close();
  });

  const { hooks } = nodeRed as unknown as { hooks: Hooks };

  /** How the message ended, once and for all. */
  async function ending(to: string, content: object, seal = (message: object) => message): Promise<unknown> {
    const probe = (ids += 1);
    const ended: unknown[] = [];
    ends.set(probe, ended);
    const node = helper.getNode(to);
    node.receive(seal(Object.defineProperty(content, 'probe', { value: probe, enumerable: true })) as never);
    const until = performance.now() + 20_000;
    while (ended.length === 0 && performance.now() < until) await new Promise((resolve) => setTimeout(resolve, 2));
    await new Promise((resolve) => setTimeout(resolve, 2));
    assert.equal(ended.length, 1, `${to} ended it ${ended.length} times`);
    return ended[0];
  }

  const checkHarmless = (end: unknown): void => {
    if (end !== 'ok') {
      const { code, message: text, cause } = end as { code: unknown; message: unknown; cause: { hint?: unknown } };
      assert.ok(typeof code === 'string' && /^[A-Z_]+$/.test(code), String(code));
      assert.notEqual(code, 'INTERNAL', String(text));
      const told = JSON.stringify([text, cause]);
      for (const secret of [FRONT.code, cloud.token, 'demo-client-secret', 'correct horse'])
        assert.ok(!told.includes(secret), told);
    }
    assert.equal(({} as { polluted?: unknown }).polluted, undefined);
  };

  for (const [name, make] of Object.entries(NASTY)) {
    it(`every node survives ${name}, anywhere in a message`, async () => {
      for (const to of TAKERS) {
        checkHarmless(await ending(to, { payload: make() }));
        for (const property of ['identifier', 'google', 'error', 'topic', 'other']) {
          checkHarmless(await ending(to, { ...ORDINARY[to], [property]: make() }));
        }
      }
      for (const to of TAKERS) {
        const end = await ending(to, structuredClone(ORDINARY[to]!));
        assert.equal(end, 'ok', `${to}: ${String(end)}`);
      }
    });
  }

  it('every node answers a message into which nothing can be written', async () => {
    const seals: ((message: object) => object)[] = [
      (message) => Object.freeze(message),
      (message) => Object.preventExtensions(message),
      (message) => {
        const { payload } = message as { payload?: unknown };
        return Object.defineProperty(message, 'payload', { get: () => payload, enumerable: true, configurable: false });
      },
    ];
    for (const to of TAKERS) {
      for (const seal of seals) {
        const content = { _msgid: 'demo', topic: '', ...structuredClone(ORDINARY[to]!) };
        const end = await ending(to, content, seal);
        assert.equal(end, 'ok', `${to}: ${String(end)}`);
      }
    }
  });

  it('every node survives whatever else may be in a message', async () => {
    await fc.assert(
      fc.asyncProperty(message, async ({ to, make, others }) => {
        checkHarmless(
          await ending(to, { payload: make(), ...Object.fromEntries(others.map(([name, of]) => [name, of()])) }),
        );
      }),
      { numRuns: 300 },
    );
    for (const to of TAKERS) assert.equal(await ending(to, structuredClone(ORDINARY[to]!)), 'ok', to);
  });
});
