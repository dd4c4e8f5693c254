import assert from 'node:assert/strict';
import type { CodedError } from '../../../src/common/errors';
import { readGatewayCommand, readIdentifier, readLockCommand } from '../../../src/thekeys/commands';

const FROM = { node: '', gateway: '45961123' };
const invalid = (run: () => unknown, what?: unknown): void => {
  assert.throws(run, { code: 'INVALID_INPUT' }, JSON.stringify(what));
};

describe('a command for a lock', () => {
  it('is what the node is set to, whatever the payload', () => {
    for (const payload of [undefined, 1, true, 'close', { action: 'close', identifier: '7' }]) {
      assert.deepEqual(readLockCommand('open', { payload }, FROM), { action: 'open', identifier: '45961123' });
    }
  });

  it('is a word of the message, where the node leaves it to that', () => {
    const own = ['open', 'close', 'toggle', 'calibrate'].map((word) => [word, word] as const);
    const others = [
      ['unlock', 'open'],
      ['lock', 'close'],
      [' OPEN ', 'open'],
      ['Unlock', 'open'],
    ] as const;
    for (const [word, action] of [...own, ...others]) {
      assert.equal(readLockCommand('message', { payload: word }, FROM).action, action);
      assert.equal(readLockCommand('message', { payload: { action: word, more: 1 } }, FROM).action, action);
    }
  });

  it('may be a command of Google’s as google-smarthome-in sends it; its device is no lock', () => {
    const payload = { command: 'LockUnlock', params: { lock: false }, action: 'open', deviceId: 'front-door' };
    assert.deepEqual(readLockCommand('message', { payload }, FROM), { action: 'open', identifier: '45961123' });
    invalid(() => readLockCommand('message', { payload: { ...payload, action: 'disarm' } }, FROM));
  });

  it('is never guessed from a boolean, a number, or anything else that is no word', () => {
    const guesses = [true, false, 0, 1, '1', 'true', 'on', '', null, undefined, [], ['open'], Buffer.from('open')];
    for (const guess of guesses) {
      invalid(() => readLockCommand('message', { payload: guess }, FROM), guess);
      invalid(() => readLockCommand('message', { payload: { action: guess } }, FROM), guess);
    }
    for (const name of ['constructor', '__proto__', 'toString']) {
      invalid(() => readLockCommand('message', { payload: name }, FROM));
    }
  });

  it('says what came instead, and what to send', () => {
    const hint = 'Send "open", "close", "toggle" or "calibrate".';
    for (const [payload, message] of [
      [true, 'msg.payload is true, not an action'],
      [0, 'msg.payload is 0, not an action'],
      ['opn\u001b', 'msg.payload is "opn", not an action'],
      [{ state: 'open' }, 'msg.payload.action is missing, not an action'],
      [['open'], 'msg.payload is an array, not an action'],
    ] as const) {
      assert.throws(
        () => readLockCommand('message', { payload }, FROM),
        (error: CodedError) => {
          assert.deepEqual([error.message, error.cause.hint], [message, hint]);
          return true;
        },
      );
    }
  });

  it('is left to the message where the node says nothing, for nothing shall open a door by itself', () => {
    for (const nothing of ['', undefined, null]) {
      invalid(() => readLockCommand(nothing, {}, FROM));
      assert.equal(readLockCommand(nothing, { payload: 'open' }, FROM).action, 'open');
    }
  });

  it('is refused where the node is set to something unknown', () => {
    invalid(() => readLockCommand('explode', {}, FROM));
    invalid(() => readLockCommand('${UNSET_ACTION}', {}, FROM));
    invalid(() => readLockCommand(true, {}, FROM));
  });
});

describe('the lock that a command is for', () => {
  it('is first the payload’s, then msg.identifier, the node’s, the gateway’s', () => {
    const payload = { action: 'open', identifier: '1' };
    const all = { node: '3', gateway: '4' };
    const of = (message: object, from = all): string => readLockCommand('message', message, from).identifier;
    assert.equal(of({ payload, identifier: '2' }), '1');
    assert.equal(of({ payload: 'open', identifier: '2' }), '2');
    assert.equal(of({ payload: 'open' }), '3');
    assert.equal(of({ payload: 'open' }, { node: '', gateway: '4' }), '4');
    invalid(() => of({ payload: 'open' }, { node: '', gateway: '' }));
  });

  it('may be a number, and comes out as text', () => {
    assert.equal(readIdentifier({ identifier: 45961123 }, FROM), '45961123');
    assert.equal(readIdentifier({ identifier: ' 45961123 ' }, FROM), '45961123');
  });

  it('is the next in the line where one is empty', () => {
    for (const identifier of ['', '  ', null, undefined])
      assert.equal(readIdentifier({ identifier }, FROM), '45961123');
  });

  it('is never something else than text or a whole number', () => {
    for (const identifier of [true, 1.5, -1, NaN, {}, ['1'], Infinity]) {
      invalid(() => readIdentifier({ identifier }, FROM), identifier);
    }
  });

  it('is its own for each of two lock nodes in a row: the output of the first names no lock to the second', () => {
    const payload = { identifier: '1001', action: 'close', state: 'closed', confirmed: true, batteryPercent: 76 };
    const from = { node: '1002', gateway: '' };
    assert.deepEqual(readLockCommand('message', { payload }, from), { action: 'close', identifier: '1002' });
    assert.equal(readLockCommand('message', { payload: { ...payload, state: null } }, from).identifier, '1002');
    assert.equal(readLockCommand('message', { payload, identifier: '1003' }, from).identifier, '1003');
  });

  it('may be the name of exactly one gateway configuration; any other text that is no number is refused', () => {
    const from = { ...FROM, named: (name: string) => (name === 'Front door' ? '0000007' : undefined) };
    assert.equal(readIdentifier({ identifier: ' Front door ' }, from), '7');
    const payload = { action: 'open', identifier: 'Front door' };
    assert.equal(readLockCommand('message', { payload }, from).identifier, '7');
    for (const text of ['Back door', 'bad code', '45961123x', '4596 1123', '-1', '1e3']) {
      assert.throws(() => readIdentifier({ identifier: text }, from), {
        code: 'INVALID_INPUT',
        message: new RegExp(text),
      });
      invalid(() => readIdentifier({ identifier: text }, FROM));
    }
  });

  it('does not count leading zeros', () => {
    assert.equal(readIdentifier({ identifier: '0045961123' }, FROM), '45961123');
  });

  it('names the environment variable that is not set', () => {
    assert.throws(() => readIdentifier({}, { node: '${FRONT_LOCK}', gateway: '' }), /FRONT_LOCK/);
  });
});

describe('a command for a gateway', () => {
  it('is what the node is set to; without a setting, the harmless list', () => {
    assert.deepEqual(readGatewayCommand('status', { payload: 'update' }, FROM), { operation: 'status' });
    assert.deepEqual(readGatewayCommand('', { payload: 'update' }, FROM), { operation: 'list' });
  });

  it('carries a lock only where it is about one', () => {
    assert.deepEqual(readGatewayCommand('message', { payload: 'update' }, FROM), { operation: 'update' });
    assert.deepEqual(readGatewayCommand('message', { payload: 'synchronize-lock' }, FROM), {
      operation: 'synchronize-lock',
      identifier: '45961123',
    });
    const payload = { operation: 'Update_Lock', identifier: 7 };
    assert.deepEqual(readGatewayCommand('message', { payload }, FROM), { operation: 'update-lock', identifier: '7' });
    invalid(() => readGatewayCommand('update-lock', {}, { node: '', gateway: '' }));
    assert.deepEqual(readGatewayCommand('synchronize', {}, { node: '', gateway: '' }), { operation: 'synchronize' });
  });

  it('is refused for anything else', () => {
    for (const payload of ['reboot', 'open', 1, true, null, undefined, {}, { operation: 1 }]) {
      invalid(() => readGatewayCommand('message', { payload }, FROM), payload);
    }
  });
});
