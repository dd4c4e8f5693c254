/**
 * Which addresses belong to this machine, which to a network that is not the internet, and what may be asked over plain
 * http. Free of Node.js, for the editor uses it too.
 */

/** Whether a URL's host name means this machine: `localhost`, a name below it, 127.0.0.0/8 or `[::1]`. */
export function isThisMachine(hostname: string): boolean {
  const host = plainHost(hostname);
  return host === 'localhost' || host.endsWith('.localhost') || host === '::1' || isIn(host, [127 << 24, 8]);
}

/** Whether a secret may travel there: https, or http that never leaves this machine. */
export function mayCarrySecrets({ protocol, hostname }: Pick<URL, 'protocol' | 'hostname'>): boolean {
  return protocol === 'https:' || (protocol === 'http:' && isThisMachine(hostname));
}

/** Private, link-local, loopback and carrier-grade NAT ranges (RFC 1918, 3927, 6598): first address and prefix length. */
const LOCAL_IPV4: readonly (readonly [number, number])[] = [
  [10 << 24, 8],
  [(172 << 24) | (16 << 16), 12],
  [(192 << 24) | (168 << 16), 16],
  [(169 << 24) | (254 << 16), 16],
  [127 << 24, 8],
  [(100 << 24) | (64 << 16), 10],
];
/** Loopback, unique local and link-local (RFC 4291, 4193). */
const LOCAL_IPV6 = /^(::1$|f[cd][0-9a-f]{2}:|fe[89ab][0-9a-f]:)/;

/** Whether an IP address is one of this machine or of a network that is not the internet. False for names. */
export function isLocalAddress(address: string): boolean {
  const ip = plainHost(address);
  return LOCAL_IPV4.some((range) => isIn(ip, range)) || LOCAL_IPV6.test(ip);
}

/** Lower case, without brackets, zone and a final dot; an IPv4 address written as IPv6 as what it is. */
export function plainHost(host: string): string {
  const plain = host
    .toLowerCase()
    .replace(/^\[|\]$/g, '')
    .replace(/%.*$/, '')
    .replace(/(?<=[^.])\.$/, '');
  const mapped = /^::ffff:([0-9a-f]{1,4}):([0-9a-f]{1,4})$/.exec(plain);
  if (mapped === null) return plain.replace(/^::ffff:(?=\d+\.)/, '');
  const [high, low] = [parseInt(mapped[1] ?? '', 16), parseInt(mapped[2] ?? '', 16)];
  return [high >> 8, high & 255, low >> 8, low & 255].join('.');
}

function isIn(ip: string, [network, prefix]: readonly [number, number]): boolean {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(ip)?.slice(1).map(Number);
  if (parts?.every((part) => part <= 255) !== true) return false;
  const address = parts.reduce((sum, part) => (sum << 8) | part, 0);
  return address >> (32 - prefix) === network >> (32 - prefix);
}
