/**
 * Gateways near this machine: which addresses are of a local network, and which of a gateway's usual names answer like
 * one. A gateway announces itself by no protocol (no client in use browses for it), so names are all there is to try.
 */
import { BlockList, isIP } from 'node:net';
import { parseAddress, type GatewayAddress } from './address';
import { gatewayError } from './errors';
import { CodedError } from '../common/errors';

/** All addresses of a name. */
export type Lookup = (host: string) => Promise<readonly string[]>;

/**
 * `thekeys.local` is the default of three published clients; the others are what home routers make of the same name.
 */
export const USUAL_NAMES: readonly string[] = [
  'thekeys.local',
  'thekeys',
  'thekeys.lan',
  'thekeys.home',
  'thekeys.home.arpa',
  'thekeys.fritz.box',
];

/** Private, link-local, loopback and carrier-grade NAT ranges (RFC 1918, 3927, 4193, 4291, 6598). */
const LOCAL = new BlockList();
for (const [net, prefix] of [
  ['10.0.0.0', 8],
  ['172.16.0.0', 12],
  ['192.168.0.0', 16],
  ['169.254.0.0', 16],
  ['127.0.0.0', 8],
  ['100.64.0.0', 10],
] as const) {
  LOCAL.addSubnet(net, prefix, 'ipv4');
}
LOCAL.addAddress('::1', 'ipv6');
LOCAL.addSubnet('fc00::', 7, 'ipv6');
LOCAL.addSubnet('fe80::', 10, 'ipv6');

/** Whether an IP address is one of this machine or of a network that is not the internet. */
export function isLocalAddress(address: string): boolean {
  const plain = address.replace(/^\[|\]$/g, '').replace(/%.*$/, '');
  const family = isIP(plain);
  if (family === 0) return false;
  // An IPv4 address written as IPv6 counts as what it is: BlockList sees through it.
  return LOCAL.check(plain, family === 4 ? 'ipv4' : 'ipv6');
}

/**
 * Resolves where the address is in a local network.
 * @throws CodedError NOT_LOCAL where it is not, GATEWAY_UNREACHABLE where its name is not known
 */
export async function requireLocal(address: GatewayAddress, lookup: Lookup): Promise<void> {
  const found = await addressesOf(address.base.hostname, lookup);
  if (found.length === 0) {
    throw gatewayError('GATEWAY_UNREACHABLE', { message: 'the name of the gateway is not known in this network' });
  }
  if (!found.every(isLocalAddress)) {
    throw new CodedError('NOT_LOCAL', 'the address is not in a local network', {
      retriable: false,
      hint: 'From here only gateways in your own network are asked. Deploy the configuration to use another one.',
    });
  }
}

export interface Nearby {
  /** As it can be typed into the configuration. */
  host: string;
  /** Of the gateway's firmware; null where it does not say. */
  version: number | null;
}

/**
 * Tries names, all at once. Two names of the same address count once, under the first.
 * @param ask the version of what answers like a gateway at this address; rejects for anything else
 */
export async function findGateways(
  names: readonly string[],
  lookup: Lookup,
  ask: (address: GatewayAddress) => Promise<number | null>,
): Promise<Nearby[]> {
  const tried = await Promise.all(
    names.map(async (host) => {
      const address = parseAddress(host);
      const [at] = (await addressesOf(address.base.hostname, lookup)).filter(isLocalAddress);
      return at === undefined ? undefined : { host, address, at: `${at} ${address.base.port}` };
    }),
  );
  const known = tried.filter((each) => each !== undefined);
  const distinct = known.filter((each, index) => known.findIndex(({ at }) => at === each.at) === index);
  const answers = await Promise.all(
    distinct.map(({ host, address }) =>
      ask(address).then(
        (version) => ({ host, version }),
        () => undefined,
      ),
    ),
  );
  return answers.filter((each) => each !== undefined);
}

async function addressesOf(hostname: string, lookup: Lookup): Promise<readonly string[]> {
  const plain = hostname.replace(/^\[|\]$/g, '');
  if (isIP(plain) !== 0) return [plain];
  return lookup(plain).catch(() => []);
}
