/**
 * Where a gateway is: `host`, `host:port` or `http://host:port`, as people type it.
 */
import { invalidInput } from '../common/errors';

/** Two addresses with the same key are the same gateway. */
export interface GatewayAddress {
  /** `http://host:port/` */
  readonly base: URL;
  /** `host:port`, lower case. */
  readonly key: string;
}

const HOW =
  'Type the address of the gateway as 192.168.1.20, thekeys.local, gateway.lan:8080 or http://192.168.1.20:8080.';

/** @throws CodedError INVALID_INPUT */
export function parseAddress(text: string): GatewayAddress {
  const typed = text.trim();
  if (typed === '') throw invalidInput('no address of the gateway is set', HOW, 'noAddress');
  if (typed.startsWith('${')) throw invalidInput(`the environment variable ${typed} is not set`, HOW);
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(typed) ? typed : `http://${typed}`;
  let url: URL;
  try {
    url = new URL(withScheme);
  } catch {
    throw invalidInput('the address of the gateway cannot be understood', HOW);
  }
  if (url.protocol !== 'http:') throw invalidInput('a The Keys gateway speaks plain http only', HOW);
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '' || url.pathname !== '/') {
    throw invalidInput('the address of the gateway holds more than a host and a port', HOW);
  }
  const port = url.port === '' ? '80' : url.port;
  // A name with a dot at its end is the same name, said to be complete; all else is spelt one way by now.
  const host = url.hostname.replace(/(?<=[^.])\.$/, '');
  return { base: new URL(`http://${url.hostname}:${port}/`), key: `${host}:${port}` };
}
