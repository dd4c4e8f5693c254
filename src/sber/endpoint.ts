/**
 * Where and how an account asks Sber: its settings as they stand in the editor, read once. What cannot work is refused
 * with INVALID_INPUT, before anything is sent.
 */
import { mayCarrySecrets } from '../common/address';
import { invalidInput } from '../common/errors';
import {
  choice,
  parseSettings,
  refusePartVariable,
  seconds,
  secret,
  text,
  textSetting,
  type Parsed,
} from '../common/settings';

export const DEFAULT_ENDPOINT = 'https://partners.iot.sberdevices.ru';

/** An empty field means the default. */
export const ENDPOINT_SETTINGS = {
  endpoint: { parse: (value: unknown) => parseEndpoint(textSetting(value, 'the endpoint') || DEFAULT_ENDPOINT) },
  keyIn: choice('the place of the key', ['header', 'query'], 'header'),
  keyParameter: text('the query parameter'),
  /** PEM text, or paths of files. */
  ca: text('the certificate'),
  timeout: seconds('the timeout', { fallback: 15, most: 3600 }),
};
export const ENDPOINT_CREDENTIALS = { token: { parse: (value: unknown) => parseKey(secret('the key').parse(value)) } };

export interface AccountSettings {
  /** Where the API's paths begin; its path ends in a slash. */
  base: URL;
  key: { place: 'header'; token: string } | { place: 'query'; token: string; parameter: string };
  /** Undefined: Node's own trust. */
  ca: string | undefined;
  timeoutMs: number;
}

/** @throws INVALID_INPUT naming the field */
export function accountSettings(fields: Readonly<Record<string, unknown>>): AccountSettings {
  return settingsOf(parseSettings(ENDPOINT_SETTINGS, fields), parseSettings(ENDPOINT_CREDENTIALS, fields));
}

/** @throws INVALID_INPUT where the key has no place */
export function settingsOf(
  { endpoint, keyIn, keyParameter, ca, timeout }: Parsed<typeof ENDPOINT_SETTINGS>,
  { token }: Parsed<typeof ENDPOINT_CREDENTIALS>,
): AccountSettings {
  const rest = { base: endpoint, ca: ca === '' ? undefined : ca, timeoutMs: timeout };
  if (keyIn === 'header') return { ...rest, key: { place: keyIn, token } };
  if (keyParameter === '') {
    throw invalidInput(
      'the key goes into the query, but its parameter has no name',
      'Enter the name of the query parameter that your project in Sber Studio uses.',
    );
  }
  return { ...rest, key: { place: keyIn, token, parameter: keyParameter } };
}

function parseEndpoint(endpoint: string): URL {
  refusePartVariable(endpoint, 'the endpoint');
  const address = endpoint.includes('://') ? endpoint : `https://${endpoint}`;
  if (!URL.canParse(address)) {
    throw invalidInput('the endpoint is no address', `Write it as ${DEFAULT_ENDPOINT}, or leave it empty.`);
  }
  const url = new URL(address);
  if (!mayCarrySecrets(url)) {
    throw invalidInput(
      'the endpoint must be an https address',
      'Use https. Plain http would show the key to everybody on the way; it is allowed only for a cloud on this machine.',
    );
  }
  if (url.username !== '' || url.password !== '' || url.search !== '' || url.hash !== '') {
    throw invalidInput('the endpoint has more than a host and a path', `Write it as ${DEFAULT_ENDPOINT}.`);
  }
  // The methods' paths begin with /v1 themselves; people copy it along.
  url.pathname = `${url.pathname.replace(/\/+$/, '').replace(/\/v1$/, '')}/`;
  return url;
}

function parseKey(given: string): string {
  // Pasted from an example, the key often brings the word before it along.
  const token = given.replace(/^Bearer\s+/i, '');
  if (token === '') {
    throw invalidInput(
      'the account has no key',
      'Enter the project key that Sber Studio shows into the account.',
      'noKey',
    );
  }
  if (!/^[\x21-\x7e]+$/.test(token)) {
    throw invalidInput(
      'the key has characters that no key of Sber’s has',
      'Copy the project key from Sber Studio again, without spaces or line ends.',
    );
  }
  return token;
}
