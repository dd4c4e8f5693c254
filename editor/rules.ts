/**
 * What may stand in a field: the runtime's own rules, asked before a deploy. A field that holds a variable is always fine,
 * because the editor cannot know its value. Free of the page.
 */
import { mayCarrySecrets } from '../src/common/address';
import { isRecord, parseJson } from '../src/common/json';
import { flag, seconds, type Setting } from '../src/common/settings';
import { parseAddress } from '../src/thekeys/gateway-address';

/** True where the value may stay. */
export type Rule = (value: unknown) => boolean;

/** What a field shows in place of a stored credential, which never comes back to the browser. */
export const STORED = '__PWRD__';

/** Node-RED fills in variables that are the whole value, and no others. */
export const isVariable: Rule = (value) => typeof value === 'string' && /^\$\{[^\s}]+\}$/.test(value);

export function trimmed(value: unknown): string {
  return typeof value === 'string' ? value.trim() : typeof value === 'number' ? String(value) : '';
}

function passes(parse: () => unknown): boolean {
  try {
    parse();
    return true;
  } catch {
    return false;
  }
}

/** Fine where it is empty or a variable, else by `rule`. */
export const optional =
  (rule: Rule): Rule =>
  (value) =>
    value === undefined || value === null || value === '' || isVariable(value) || rule(value);

/** Fine where the runtime takes it. */
export const takes = (setting: Setting<unknown>): Rule => optional((value) => passes(() => setting.parse(value)));

/** Above 0. */
export const milliseconds = (most: number): Rule =>
  optional((value) => Number(trimmed(value)) > 0 && Number(trimmed(value)) <= most);

export const rules = {
  host: (value: unknown) => isVariable(value) || passes(() => parseAddress(trimmed(value))),
  identifier: optional((value) => /^\d*$/.test(trimmed(value)) && (typeof value === 'string' || trimmed(value) !== '')),
  /** Seconds above 0. */
  seconds: takes(seconds('', { fallback: 1 })),
  /** Seconds, or 0. */
  interval: takes(seconds('', { fallback: 1, zero: true })),
  /** The address of a cloud: it gets a secret, so nothing in the clear that leaves this machine. */
  endpoint: optional((value) =>
    passes(() => {
      const url = new URL(trimmed(value));
      const more = url.username + url.password + url.search + url.hash;
      // Chromium accepts a blank in a host, and writes it as %20.
      if (!mayCarrySecrets(url) || more !== '' || url.hostname.includes('%')) throw new Error();
    }),
  ),
  path: optional((value) => /^\/?[\w.~-]+(\/[\w.~-]+)*\/?$/.test(trimmed(value))),
  projectId: (value: unknown) => isVariable(value) || /^[a-z0-9:.-]+$/.test(trimmed(value)),
  certificate: optional((value) => {
    const text = trimmed(value);
    const [begins, ends] = ['BEGIN', 'END'].map((word) => text.split(`-----${word} CERTIFICATE-----`).length - 1);
    return begins === ends && (begins !== 0 || !text.includes('\n'));
  }),
  redis: optional((value) => /^rediss?:\/\/./i.test(trimmed(value))),
  serviceAccountKey: optional((value) => {
    const key = parsed(value);
    return isRecord(key) && Boolean(key.client_email) && Boolean(key.private_key);
  }),
  shareCode: optional((value) => /^[\x21-\x7e]+$/.test(trimmed(value))),
};

/** True for one of these words, for nothing at all, and for a variable. */
export const isOneOf = (...words: string[]): Rule => optional((value) => words.includes(String(value)));

/** A check box as the runtime reads it; what it cannot read shows as what is usual. */
export function flagOf(value: unknown, usual: boolean): boolean {
  try {
    return flag('', usual).parse(value);
  } catch {
    return usual;
  }
}

/** Settings that are a list or an object, from a flow written by hand as JSON; anything else as it is. */
export function parsed(value: unknown): unknown {
  return typeof value === 'string' ? (parseJson(value) ?? value) : value;
}

/** The list typed as one text, separated by commas. */
export function listOf(list: unknown): string[] {
  return (Array.isArray(list) ? list.map(trimmed).join(',') : trimmed(list))
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '');
}

/** The words for a key, with values filled in. */
export type Words = (key: string, values?: object) => string;

/** What a field offers while a person types. */
export interface Offer {
  value: string;
  label: string;
}

/**
 * What the editor offers while a person types. Its Enter and Tab choose the first entry, so that is what was typed: a value
 * that is not on offer counts too, and none at all.
 */
export function offer(typed: string, found: Offer[], nothing: string): Offer[] {
  if (found.length === 0) return found;
  const same = found.find((each) => each.value === typed) ?? { value: typed, label: typed || nothing };
  return [same, ...found.filter((each) => each !== same)];
}
