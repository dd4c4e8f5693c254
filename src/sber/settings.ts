/**
 * An account's configuration as it stands in the editor, turned once into what the client needs. What cannot work is
 * refused here with INVALID_INPUT, before anything is sent.
 */
import { invalidInput } from '../common/errors';
import { textSetting } from '../common/settings';

export const DEFAULT_ENDPOINT = 'https://partners.iot.sberdevices.ru';
const DEFAULT_TIMEOUT_S = 15;
/** Node's timers end at 2^31 ms; an hour for one answer is already more than anybody waits. */
const LONGEST_TIMEOUT_S = 3600;

/** The editor's fields. All optional: an empty one means the default. */
export interface AccountFields {
  endpoint?: unknown;
  keyIn?: unknown;
  keyParameter?: unknown;
  ca?: unknown;
  timeout?: unknown;
  token?: unknown;
}

export interface AccountSettings {
  /** Where the API's paths begin; its path ends in a slash. */
  base: URL;
  key: { place: 'header'; token: string } | { place: 'query'; token: string; parameter: string };
  /** PEM text or a path; undefined: Node's own trust. */
  ca: string | undefined;
  timeoutMs: number;
}

/** @throws INVALID_INPUT naming the field */
export function accountSettings(fields: AccountFields): AccountSettings {
  return {
    base: parseEndpoint(textSetting(fields.endpoint, 'the endpoint') || DEFAULT_ENDPOINT),
    key: parseKey(fields),
    ca: textSetting(fields.ca, 'the certificate') || undefined,
    timeoutMs: parseTimeout(fields.timeout),
  };
}

function parseEndpoint(endpoint: string): URL {
  let url: URL;
  try {
    url = new URL(endpoint.includes('://') ? endpoint : `https://${endpoint}`);
  } catch {
    throw invalidInput('the endpoint is no address', `Write it as ${DEFAULT_ENDPOINT}, or leave it empty.`);
  }
  if (url.protocol !== 'https:' && !(url.protocol === 'http:' && isLoopback(url.hostname))) {
    throw invalidInput(
      'the endpoint must be an https address',
      'Use https. Plain http would show the key to everybody on the way; it is allowed only for a cloud on this machine.',
    );
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw invalidInput('the endpoint has more than a host and a path', `Write it as ${DEFAULT_ENDPOINT}.`);
  }
  // The methods' paths begin with /v1 themselves; people copy it along.
  const path = url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '');
  url.pathname = `${path}/`;
  return url;
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' ||
    hostname.endsWith('.localhost') ||
    hostname === '[::1]' ||
    /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(hostname)
  );
}

function parseKey(fields: AccountFields): AccountSettings['key'] {
  // Pasted from an example, the key often brings the word before it along.
  const token = textSetting(fields.token, 'the key').replace(/^Bearer\s+/i, '');
  if (token === '') {
    throw invalidInput('the account has no key', 'Enter the project key that Sber Studio shows into the account.');
  }
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw invalidInput(
      'the key has characters that no key of Sber’s has',
      'Copy the project key from Sber Studio again, without spaces or line ends.',
    );
  }
  const place = textSetting(fields.keyIn, 'keyIn') || 'header';
  if (place === 'header') return { place, token };
  if (place !== 'query') throw invalidInput('keyIn is neither "header" nor "query"');
  const parameter = textSetting(fields.keyParameter, 'the query parameter');
  if (parameter === '') {
    throw invalidInput(
      'the key goes into the query, but its parameter has no name',
      'Enter the name of the query parameter that your project in Sber Studio uses.',
    );
  }
  return { place, token, parameter };
}

function parseTimeout(value: unknown): number {
  if (value === undefined || value === null || value === '') return DEFAULT_TIMEOUT_S * 1000;
  const seconds = typeof value === 'string' ? Number(value.trim() || NaN) : value;
  if (typeof seconds !== 'number' || !(seconds > 0) || seconds > LONGEST_TIMEOUT_S) {
    throw invalidInput('the timeout is no number of seconds', 'Enter seconds, for example 15, or leave it empty.');
  }
  return seconds * 1000;
}
