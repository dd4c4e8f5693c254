/** A field that says `${NAME}`, and no such variable: the node says so, and nothing is sent in its place. */
import assert from 'node:assert/strict';
import helper from 'node-red-node-test-helper';
import { checkedCode } from '../../nodes/shared/gateway-access';
import type { CodedError } from '../../src/common/errors';
import { secret } from '../../src/common/settings';
import { parseDevice } from '../support/device';
import { ACCOUNT, CREDENTIALS, GoogleFlow } from '../support/google-nodes';
import { FRONT, LockFlow } from '../support/lock-flow';
import { Runtime } from '../support/runtime';
import { sberFlow } from '../support/sber-flow';

const UNSET = '${AUDITED_UNSET}';

describe('a variable that is not set', () => {
  describe('in a field of a lock', () => {
    const flow = new LockFlow();
    beforeEach(() => flow.begin());
    afterEach(() => flow.end());

    const fields: Record<string, readonly string[]> = {
      'gateway-config': ['host', 'identifier', 'timeout', 'code', 'sharedState'],
      'lock-action': ['identifier', 'action', 'confirm', 'deadline'],
      'lock-status': ['identifier', 'interval', 'emit'],
      'gateway-sync': ['identifier', 'operation'],
    };
    for (const [type, names] of Object.entries(fields)) {
      for (const name of names) {
        it(`is refused: ${type}, ${name}`, async () => {
          const node = type === 'gateway-config' ? 'lock-action' : type;
          const isSecret = name === 'code' || name === 'sharedState';
          const settings = {
            id: 'node',
            type: node,
            gateway: 'gw',
            action: 'open',
            operation: 'synchronize-lock',
            confirm: false,
            ...(type === node ? { [name]: UNSET } : {}),
          };
          const config = type === 'gateway-config' && !isSecret ? { [name]: UNSET } : {};
          await flow.load(flow.whole(flow.gateway(config), settings), {
            gw: { code: FRONT.code, ...(isSecret ? { [name]: UNSET } : {}) },
          });
          flow.send('node', {});
          const { error } = await flow.next('caught');
          assert.equal(error?.code, 'INVALID_INPUT');
          assert.match(error.message, /AUDITED_UNSET/);
          assert.deepEqual(flow.world.journal.requests, []);
        });
      }
    }
  });

  it('is refused as a part of a share code, without a word of the rest', () => {
    assert.throws(
      () => checkedCode('demo-secret-${CODE}'),
      ({ code, message, cause }: CodedError) =>
        code === 'INVALID_INPUT' && message.includes('whole share code') && !`${message}${cause.hint}`.includes('demo'),
    );
  });

  it('is refused as a part of any other secret, without a word of the rest', () => {
    for (const typed of ['demo-${SECRET}', '${SECRET}demo', 'demo${SECRET}demo']) {
      assert.throws(
        () => secret('the client secret').parse(typed),
        ({ code, message, cause }: CodedError) =>
          code === 'INVALID_INPUT' &&
          message.includes('the client secret') &&
          !`${message}${cause.hint}`.includes('demo'),
      );
    }
    assert.equal(secret('the client secret').parse(' costs $5 {really} '), 'costs $5 {really}');
  });

  describe('in a field of Sber', () => {
    const runtime = new Runtime();
    beforeEach(() => runtime.open());
    afterEach(() => runtime.end());

    const account = { endpoint: 'http://127.0.0.1:9', token: 'demo-key' };
    const cases: ['sber-models' | 'sber-devices', where: 'account' | 'node', names: readonly string[]][] = [
      ['sber-models', 'account', ['endpoint', 'keyIn', 'keyParameter', 'ca', 'timeout', 'token']],
      ['sber-models', 'node', ['operation', 'modelId', 'deleteMissing']],
      ['sber-devices', 'node', ['operation', 'userId']],
    ];
    for (const [type, where, names] of cases) {
      for (const name of names) {
        it(`is refused: ${where === 'node' ? type : 'sber-config'}, ${name}`, async () => {
          const wrong = { [name]: UNSET };
          const node = { operation: type === 'sber-models' ? 'get' : 'unlink', modelId: 'A', userId: 'U' };
          const flow =
            where === 'account'
              ? await sberFlow(runtime, type, { ...account, keyIn: 'query', ...wrong }, node)
              : await sberFlow(runtime, type, account, { ...node, ...wrong });
          const { error } = await flow.failing({});
          assert.equal(error.code, 'INVALID_INPUT', error.message);
          assert.match(error.message, /AUDITED_UNSET/);
        });
      }
    }
  });

  describe('in a field of Google', () => {
    for (const name of [
      ...['path', 'homeGraphEndpoint', 'proxies', 'projectId'],
      ...['clientId', 'clientSecret', 'users', 'serviceAccountKey', 'sharedState'],
    ]) {
      it(`is refused, and the log says so: google-smarthome-config, ${name}`, async () => {
        const isSecret = !['path', 'homeGraphEndpoint', 'proxies', 'projectId'].includes(name);
        const flow = await GoogleFlow.start([{ ...ACCOUNT, ...(isSecret ? {} : { [name]: UNSET }) }], {
          account: { ...CREDENTIALS, ...(isSecret ? { [name]: UNSET } : {}) },
        });
        try {
          const calls = (helper.log() as unknown as { args: [{ msg: unknown }][] }).args;
          assert.match(calls.map(([{ msg }]) => String(msg)).join('\n'), /AUDITED_UNSET/);
          assert.equal((await fetch(`${flow.base}/google-smarthome/oauth/token`)).status, 404);
        } finally {
          await flow.stop();
        }
      });
    }

    for (const name of ['clientId', 'clientSecret', 'serviceAccountKey', 'sharedState']) {
      it(`is refused as a part: google-smarthome-config, ${name}`, async () => {
        const typed = 'demo-part-${AUDITED_UNSET}';
        const flow = await GoogleFlow.start([ACCOUNT], { account: { ...CREDENTIALS, [name]: typed } });
        try {
          const calls = (helper.log() as unknown as { args: [{ msg: unknown }][] }).args;
          const logged = calls.map(([{ msg }]) => String(msg)).join('\n');
          assert.match(logged, /only where it is the whole field/);
          assert.doesNotMatch(logged, /demo-part/);
          assert.equal((await fetch(`${flow.base}/google-smarthome/oauth/token`)).status, 404);
        } finally {
          await flow.stop();
        }
      });
    }

    for (const name of [
      ...['deviceId', 'deviceName', 'roomHint', 'deviceType', 'customType', 'customTraits', 'customAttributes'],
      ...['levels', 'levelsOrdered', 'defaultLevel', 'pinFor', 'onOpenSensors', 'replyTimeout', 'battery'],
    ]) {
      it(`is refused: google-smarthome-in, ${name}`, () => {
        const custom = { deviceType: 'CUSTOM', customType: 'LIGHT', customTraits: ['OnOff'] };
        const settings = { ...(name.startsWith('custom') ? custom : {}), [name]: UNSET };
        assert.throws(() => parseDevice(settings, '', 'n1'), { code: 'INVALID_INPUT', message: /AUDITED_UNSET/ });
      });
    }
  });
});
