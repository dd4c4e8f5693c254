/**
 * Where a gateway is: `host`, `host:port` or `http://host:port`, as people type it. Free of Node.js, for the editor uses
 * it too.
 */
import { plainHost } from '../common/address';
import { invalidInput } from '../common/errors';
import { refusePartVariable } from '../common/settings';

/** Two addresses with the same key are the same gateway. */
export interface GatewayAddress {
  /** `http://host:port/` */
  readonly base: URL;
  /** `host:port`, lower case. */
  readonly key: string;
}

const HOW =
  'Type the address of the gateway as 192.168.1.20, thekeys.local, gateway.lan:8080 or http://192.168.1.20:8080.';
const SCHEME = /^([a-z][a-z0-9+.-]*):\/\//i;

/** @throws CodedError INVALID_INPUT */
export function parseAddress(text: string): GatewayAddress {
  const typed = text.trim();
  if (typed === '') throw invalidInput('no address of the gateway is set', HOW, 'noAddress');
  if (/^\$\{[^}]*\}$/.test(typed)) throw invalidInput(`the environment variable ${typed} is not set`, HOW);
  refusePartVariable(typed, 'the address of the gateway');
  const scheme = SCHEME.exec(typed)?.[1]?.toLowerCase() ?? 'http';
  if (scheme !== 'http') {
    throw invalidInput(
      `a The Keys gateway speaks plain http only, not ${scheme}`,
      'Write http://, or the host alone.',
      'notHttp',
    );
  }
  const place = typed.replace(SCHEME, '');
  // An IPv6 address as it is shown everywhere but in addresses of the web.
  const url = urlOf(/^[0-9a-f.]*(:[0-9a-f.]*){2,}$/i.test(place) ? `[${place}]` : place);
  if (url === undefined) throw invalidInput('the address of the gateway cannot be understood', HOW);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '' || url.pathname !== '/') {
    throw invalidInput('the address of the gateway holds more than a host and a port', HOW, 'notHost');
  }
  const host = plainHost(url.hostname);
  const typedHost = place.replace(/\.?(:\d*)?\/?$/, '');
  if (/^[\d.]+$/.test(host) && url.hostname === host && typedHost !== host) {
    // A number that begins with 0 counts as octal, and 127.1 as 127.0.0.1: rarely what was meant.
    throw invalidInput(
      `the address of the gateway is read as ${host}`,
      `Type ${host} if that is what you mean. ${HOW}`,
    );
  }
  return { base: new URL(`http://${url.hostname}:${url.port || '80'}/`), key: hostPort(host, url.port) };
}

/** @param port empty: that of http */
export function hostPort(host: string, port: string): string {
  return `${host.includes(':') ? `[${host}]` : host}:${port || '80'}`;
}

function urlOf(place: string): URL | undefined {
  try {
    const url = new URL(`http://${place}`);
    // Chromium accepts a blank in a host, and writes it as %20.
    return url.hostname.includes('%') ? undefined : url;
  } catch {
    return undefined;
  }
}
