import assert from 'node:assert/strict';
import { networkFindings, type Address, type Network } from '../../../src/matter/network';

const local: Address = { address: '127.0.0.1', family: 'IPv4', internal: true };
const ipv4 = (address: string): Address => ({ address, family: 'IPv4', internal: false });
const linkLocal: Address = { address: 'fe80::1', family: 'IPv6', internal: false };
const keysOf = (network: Partial<Network>): string[] =>
  networkFindings({ interfaces: {}, isContainer: false, wanted: '', ...network }).map(({ key }) => key);

describe('what is said of the network before a person stands there with a phone', () => {
  it('is nothing where homes can find the bridge', () => {
    assert.deepEqual(keysOf({ interfaces: { lo: [local], eth0: [ipv4('192.168.1.7'), linkLocal] } }), []);
  });

  it('names a machine without IPv6, and one without a network', () => {
    assert.deepEqual(keysOf({ interfaces: { lo: [local], eth0: [ipv4('192.168.1.7')] } }), ['noIpv6']);
    assert.deepEqual(keysOf({ interfaces: { lo: [local] } }), ['noNetwork']);
  });

  it('names a container with a network of its own, but not one with that of its host', () => {
    const own = { eth0: [ipv4('172.17.0.2')] };
    const host = { eth0: [ipv4('192.168.1.7'), linkLocal], docker0: [ipv4('172.17.0.1')] };
    assert.deepEqual(keysOf({ interfaces: own, isContainer: true }), ['container', 'noIpv6']);
    assert.deepEqual(keysOf({ interfaces: host, isContainer: true }), []);
    assert.deepEqual(keysOf({ interfaces: own, isContainer: false }), ['noIpv6']);
  });

  it('looks at the interface that is set, and lists those there are where it is none', () => {
    const interfaces = { eth0: [ipv4('192.168.1.7'), linkLocal], wlan0: [ipv4('192.168.2.7')] };
    assert.deepEqual(keysOf({ interfaces, wanted: 'wlan0' }), ['noIpv6']);
    const [finding] = networkFindings({ interfaces, isContainer: false, wanted: 'eth9' });
    assert.deepEqual(finding, { key: 'noInterface', values: { interface: 'eth9', list: 'eth0, wlan0' } });
  });
});
