import assert from 'node:assert/strict';
import { parseAddress } from '../../../src/thekeys/address';
import { findGateways, isLocalAddress, requireLocal, type Lookup } from '../../../src/thekeys/nearby';

const NAMES: Record<string, string[]> = {
  'thekeys.local': ['192.168.1.20'],
  'thekeys.lan': ['192.168.1.20'],
  thekeys: ['192.168.1.30'],
  'thekeys.example': ['93.184.216.34'],
  'mixed.example': ['192.168.1.20', '93.184.216.34'],
};
const lookup: Lookup = (host) =>
  NAMES[host] === undefined ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(NAMES[host]);

describe('a gateway near this machine', () => {
  it('has an address of a private network or of this machine', () => {
    for (const local of ['10.0.0.1', '172.31.9.9', '192.168.1.20', '169.254.3.4', '127.0.0.1', '100.64.0.1']) {
      assert.ok(isLocalAddress(local), local);
    }
    for (const local of ['::1', 'fe80::1', 'fe80::1%eth0', 'fd12:3456::1', '[fd00::2]', '::ffff:192.168.1.20']) {
      assert.ok(isLocalAddress(local), local);
    }
    for (const far of ['8.8.8.8', '172.32.0.1', '192.169.0.1', '2001:db8::1', '::ffff:8.8.8.8', 'thekeys.local', '']) {
      assert.ok(!isLocalAddress(far), far);
    }
  });

  it('is asked only where every address of its name is local', async () => {
    await requireLocal(parseAddress('thekeys.local:8080'), lookup);
    await requireLocal(parseAddress('[fd00::2]'), lookup);
    for (const host of ['8.8.8.8', 'thekeys.example', 'mixed.example']) {
      await assert.rejects(requireLocal(parseAddress(host), lookup), { code: 'NOT_LOCAL' }, host);
    }
    await assert.rejects(requireLocal(parseAddress('nowhere.local'), lookup), { code: 'GATEWAY_UNREACHABLE' });
  });

  it('is found by its names, once, if it answers like a gateway', async () => {
    const asked: string[] = [];
    const found = await findGateways(Object.keys(NAMES).concat('nowhere.local'), lookup, (address) => {
      asked.push(address.key);
      return address.key === 'thekeys:80' ? Promise.reject(new Error('a printer')) : Promise.resolve(65);
    });
    assert.deepEqual(found, [{ host: 'thekeys.local', version: 65 }]);
    assert.deepEqual(asked, ['thekeys.local:80', 'thekeys:80'], 'nothing outside the local network is asked');
  });
});
