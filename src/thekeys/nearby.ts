/**
 * Gateways near this machine: which of a gateway's usual names answer like one, and which addresses may be asked from a
 * dialog. A gateway announces itself by no protocol (no client in use browses for it), so names are all there is to try.
 */
import { isIP } from 'node:net';
import { isLocalAddress } from '../common/address';
import { CodedError } from '../common/errors';
import { hostPort, parseAddress, type GatewayAddress } from './gateway-address';
import { gatewayError } from './gateway-errors';
import { lookUp, type NameOptions } from './names';

/** `thekeys.local` is the default of three published clients; the others are what home routers make of the same name. */
export const USUAL_NAMES: readonly string[] = [
  'thekeys.local',
  'thekeys',
  'thekeys.lan',
  'thekeys.home',
  'thekeys.home.arpa',
  'thekeys.fritz.box',
];
/** Milliseconds for one name: a DNS server that is there answers at once. */
const LOOKUP_MS = 2000;

/**
 * The address to ask in place of the one that was typed: its name was looked up, and is not looked up again.
 * @throws CodedError NOT_LOCAL where it is not in a local network, GATEWAY_UNREACHABLE where its name is not known
 */
export async function requireLocal(address: GatewayAddress, options: NameOptions): Promise<GatewayAddress> {
  const found = await addressesOf(address, options);
  const [first] = found;
  if (first === undefined) {
    const message = 'the name of the gateway is not known in this network';
    throw gatewayError('GATEWAY_UNREACHABLE', { message, badge: 'unknownName' });
  }
  if (!found.every(isLocalAddress)) {
    throw new CodedError('NOT_LOCAL', 'the address is not in a local network', {
      retriable: false,
      hint: 'From here only gateways in your own network are asked. Deploy the configuration to use another one.',
    });
  }
  return pinned(address, first);
}

export interface Nearby {
  /** As it can be typed into the configuration. */
  host: string;
  /** Of the gateway's firmware; null where it does not say. */
  version: number | null;
}

export interface FindOptions extends NameOptions {
  /** The version of what answers like a gateway at this address, which is an IP address; rejects for anything else. */
  ask(address: GatewayAddress, host: string): Promise<number | null>;
}

/** Tries names side by side, and asks each address as soon as it is known. Two names of one address count once, under the first. */
export async function findGateways(names: readonly string[], options: FindOptions): Promise<Nearby[]> {
  const asked = new Map<string, Promise<number | null | undefined>>();
  const tried = names.map(async (host) => {
    const address = parseAddress(host);
    const local = (await addressesOf(address, options)).find(isLocalAddress);
    if (local === undefined) return undefined;
    const { base, key } = pinned(address, local);
    const answer = asked.get(key) ?? options.ask({ base, key }, host).catch(() => undefined);
    asked.set(key, answer);
    const version = await answer;
    return version === undefined ? undefined : { host, version, key };
  });
  const found = (await Promise.all(tried)).filter((each) => each !== undefined);
  const first = found.filter(({ key }, index) => found.findIndex((each) => each.key === key) === index);
  return first.map(({ host, version }) => ({ host, version }));
}

/** IPv4 first. Empty where the name is not known in time. */
async function addressesOf({ base }: GatewayAddress, options: NameOptions): Promise<readonly string[]> {
  const name = base.hostname.replace(/^\[|\]$/g, '');
  if (isIP(name) !== 0) return [name];
  const found = await lookUp(options, name, LOOKUP_MS).catch(() => []);
  return [...found].sort((a, b) => isIP(a) - isIP(b));
}

function pinned({ base }: GatewayAddress, ip: string): GatewayAddress {
  // No address of the web holds the zone of a link-local one.
  const plain = ip.replace(/%.*$/, '');
  return parseAddress(hostPort(plain, base.port));
}
