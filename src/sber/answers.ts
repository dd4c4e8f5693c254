/**
 * What an answer of Sber's cloud means. The body decides; the HTTP status has a say only where the body says nothing,
 * because Sber documents no status for its errors. Reading the models or devices inside a good answer, and deciding what
 * to send again, is left to others.
 */
import type { HttpAnswer } from '../common/http';
import type { Breath } from './breath';
import { codeOfNumber, codeOfStatus, sberError, type SberError } from './errors';
import type { Redactor } from '../common/redact';
import { isObject, type ItemFailure, type Raw } from './shapes';

export type Meaning =
  /** It worked. `body` is empty where the answer was. */
  | { kind: 'done'; body: Raw }
  /** A writing request: these items failed, the others were taken. */
  | { kind: 'items'; failed: ItemFailure[] }
  | { kind: 'error'; error: SberError };

/** What a reading request's answer holds; a writing one's holds nothing, and may be answered with nothing at all. */
export type ExpectedField = 'models' | 'devices' | undefined;

/** Longest piece of a foreign answer or of Sber's own words that an error quotes. */
const QUOTE = 200;
/** Sber's structures are about ten deep. What is far deeper is no answer, and walking through it could end the process. */
const DEEPEST = 100;
/** Characters from which on reading an answer takes long enough to let others run in between. */
const LARGE = 200_000;

export async function meaningOf(
  answer: HttpAnswer,
  expected: ExpectedField,
  redactor: Redactor,
  breath: Breath,
): Promise<Meaning> {
  const { status } = answer;
  const good = status >= 200 && status < 300;
  const reading = expected !== undefined;
  // trim() takes a byte order mark too.
  const text = answer.body.trim();
  if (text === '') {
    if (good && !reading) return { kind: 'done', body: {} };
    return good
      ? failure('BAD_RESPONSE', 'the answer is empty', { httpStatus: status })
      : byStatus(status, 'an empty answer');
  }
  const large = text.length > LARGE;
  if (large) await breath.take();
  const tooDeep = isTooDeep(text);
  if (large) await breath.take();
  const parsed = tooDeep ? undefined : parse(text);
  if (!isObject(parsed)) {
    const quote = `not JSON of Sber’s: ${quoted(text, redactor)}`;
    return good ? failure('BAD_RESPONSE', quote, { httpStatus: status }) : byStatus(status, quote);
  }
  if (large) await breath.take();
  const body = redactor.suspects(text) ? (redactor.value(parsed) as Raw) : parsed;

  const { errors, code: own } = body;
  const items = itemFailures(errors, redactor);
  const [first] = items;
  if (first !== undefined && !reading) return { kind: 'items', failed: items };
  const code = numberOf(own) ?? (reading ? first?.code : undefined);
  if (code !== undefined && code !== 0 && !(code >= 200 && code < 300)) {
    const words = redactor.text(wordsOf(body)) + (first?.message ?? '');
    return failure(codeOfNumber(code), `Sber answered ${code}${words === '' ? '' : `: ${shortened(words)}`}`, {
      gatewayCode: code,
      httpStatus: status,
    });
  }
  if (expected !== undefined && Array.isArray(body[expected])) return { kind: 'done', body };
  if (!good) return byStatus(status, shortened(redactor.text(wordsOf(body))));
  // Words of an error in a form that nobody documents: to take them for success would be the worst reading of all.
  const { error, message } = body;
  const unexplained = code === undefined && [own, error, message].some(saysSomething);
  if (saysSomething(errors) || unexplained) {
    return failure('BAD_RESPONSE', `an error in no form of Sber’s: ${quoted(text, redactor)}`, { httpStatus: status });
  }
  // Empty lists are left out (proto3), but an answer that says something else altogether is not an empty list.
  if (expected !== undefined && !(expected in body) && Object.keys(body).length > 0) {
    return failure('BAD_RESPONSE', `the answer has no ${expected}: ${quoted(text, redactor)}`, {
      httpStatus: status,
    });
  }
  return { kind: 'done', body };
}

function failure(...of: Parameters<typeof sberError>): Meaning {
  return { kind: 'error', error: sberError(...of) };
}

function byStatus(status: number, said: string): Meaning {
  if (status >= 300 && status < 400) {
    return failure('BAD_RESPONSE', `the endpoint answered with a redirect (HTTP ${status}), which is not followed`, {
      httpStatus: status,
      hint: 'Enter the address that answers itself as the endpoint. The key is not carried to another address.',
    });
  }
  return failure(codeOfStatus(status), `HTTP ${status}${said === '' ? '' : `, ${said}`}`, { httpStatus: status });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The per-item list. An entry that is no object says nothing and is passed over. */
function itemFailures(list: unknown, redactor: Redactor): ItemFailure[] {
  if (!Array.isArray(list)) return [];
  return list.filter(isObject).map(({ id, code, message }) => ({
    id: textOf(id),
    code: numberOf(code) ?? 0,
    message: redactor.text(textOf(message)),
  }));
}

/** Text, or a number as text: the page's own schema calls `message` an integer. */
function textOf(value: unknown): string {
  return typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '';
}

/** Whether a field is there and not at its default, which proto3 would have left out. */
function saysSomething(field: unknown): boolean {
  return Array.isArray(field) ? field.length > 0 : ![undefined, null, '', 0, false].includes(field as string);
}

/** A number, or its text: proto3 writes long integers as text. */
function numberOf(value: unknown): number | undefined {
  if (typeof value === 'number') return value;
  return typeof value === 'string' && /^-?\d{1,9}$/.test(value) ? Number(value) : undefined;
}

/** Message and details of a common error, as one line. */
function wordsOf(body: Raw): string {
  const { message, details } = body;
  const words = typeof message === 'string' ? message : '';
  const more = Array.isArray(details) ? details.filter((one): one is string => typeof one === 'string') : [];
  return more.length === 0 ? words : `${words} [${more.join(', ')}]`;
}

/** The beginning of a foreign answer as readable text. The key is taken out before anything is cut, so no half remains. */
function quoted(text: string, redactor: Redactor): string {
  const words = redactor
    .beginning(text, QUOTE * 20)
    .replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ');
  return JSON.stringify(shortened(words));
}

function shortened(words: string): string {
  const line = words.replace(/\s+/g, ' ').trim();
  return line.length <= QUOTE ? line : `${line.slice(0, QUOTE)}…`;
}

const QUOTATION_MARK = 0x22;
const BACKSLASH = 0x5c;

/** Whether a JSON text nests deeper than Sber ever does. One pass over the text, texts inside it skipped. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at += 1) {
    const char = text.charCodeAt(at);
    if (char === QUOTATION_MARK) {
      at = endOfText(text, at);
    } else if (char === 0x7b || char === 0x5b) {
      depth += 1;
      if (depth > DEEPEST) return true;
    } else if (char === 0x7d || char === 0x5d) {
      depth -= 1;
    }
  }
  return false;
}

/** Index of the quotation mark that ends the text begun at `start`. */
function endOfText(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1) {
    let slashes = 0;
    while (text.charCodeAt(end - 1 - slashes) === BACKSLASH) slashes += 1;
    if (slashes % 2 === 0) return end;
    end = text.indexOf('"', end + 1);
  }
  return text.length;
}
