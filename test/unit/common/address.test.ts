/** Which hosts are this machine, which addresses are local, and where a secret may travel. */
import assert from 'node:assert/strict';
import { isLocalAddress, isThisMachine, mayCarrySecrets } from '../../../src/common/address';

describe('addresses', () => {
  it('know this machine', () => {
    for (const host of [
      'localhost',
      'LOCALHOST.',
      'a.localhost',
      '127.0.0.1',
      '127.9.9.9',
      '[::1]',
      '::1',
      '::ffff:127.0.0.1',
    ])
      assert.ok(isThisMachine(host), host);
    for (const host of [
      'localhost.example',
      '128.0.0.1',
      '127.0.0.1.example',
      '1127.0.0.1',
      '127.0.0.256',
      '[::2]',
      '',
    ])
      assert.ok(!isThisMachine(host), host);
  });

  it('know what is no internet', () => {
    for (const ip of [
      '10.1.2.3',
      '172.31.0.1',
      '192.168.1.20',
      '169.254.3.4',
      '100.64.0.1',
      '127.0.0.1',
      '::1',
      'fd00::1',
      '[fe80::1%eth0]',
      '::ffff:192.168.1.1',
      '::ffff:c0a8:101',
    ])
      assert.ok(isLocalAddress(ip), ip);
    for (const ip of [
      '8.8.8.8',
      '172.32.0.1',
      '192.169.0.1',
      '100.128.0.1',
      '2001:db8::1',
      'fe00::1',
      '::ffff:8.8.8.8',
      'thekeys.local',
      '10.1.2',
    ])
      assert.ok(!isLocalAddress(ip), ip);
  });

  it('let secrets travel encrypted, or not at all', () => {
    assert.ok(mayCarrySecrets(new URL('https://example.com')));
    assert.ok(mayCarrySecrets(new URL('http://[::1]:8080/x')));
    assert.ok(!mayCarrySecrets(new URL('http://192.168.1.2')));
    assert.ok(!mayCarrySecrets(new URL('ftp://127.0.0.1')));
  });
});
