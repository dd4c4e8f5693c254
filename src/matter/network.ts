/**
 * What of a machine's network keeps homes from finding a bridge, as far as it can be seen from here: to be said in the dialog,
 * before a person stands there with a phone.
 */
export interface Address {
  address: string;
  family: string;
  /** Leads to this machine alone. */
  internal: boolean;
}

export interface Network {
  /** As `os.networkInterfaces()` gives them. */
  interfaces: Readonly<Record<string, readonly Address[] | undefined>>;
  isContainer: boolean;
  /** The one that is set; empty: all. */
  wanted: string;
}

export interface NetworkFinding {
  key: 'noInterface' | 'noNetwork' | 'noIpv6' | 'container';
  values: Record<string, string>;
}

/** Networks that Docker makes for containers: 172.17.0.0/16 and further ones up to 172.31. Homes seldom use them. */
const DOCKER = /^172\.(1[7-9]|2\d|3[01])\./;

export function networkFindings({ interfaces, isContainer, wanted }: Network): NetworkFinding[] {
  const outer = Object.entries(interfaces)
    .map(([name, addresses = []]) => ({ name, addresses: addresses.filter(({ internal }) => !internal) }))
    .filter(({ addresses }) => addresses.length > 0);
  const list = outer.map(({ name }) => name).join(', ');
  if (outer.length === 0) return [{ key: 'noNetwork', values: {} }];
  const used = wanted === '' ? outer : outer.filter(({ name }) => name === wanted);
  if (used.length === 0) return [{ key: 'noInterface', values: { interface: wanted, list } }];
  const addresses = used.flatMap((each) => each.addresses);
  const findings: NetworkFinding[] = [];
  const ipv4 = addresses.filter(({ family }) => family === 'IPv4');
  if (isContainer && ipv4.length > 0 && ipv4.every(({ address }) => DOCKER.test(address))) {
    findings.push({ key: 'container', values: {} });
  }
  if (!addresses.some(({ family }) => family === 'IPv6')) findings.push({ key: 'noIpv6', values: {} });
  return findings;
}
