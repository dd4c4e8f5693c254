/**
 * What an answer of Sber's cloud means. The body decides; the HTTP status has a say only where the body says nothing that
 * Sber documents. Reading the models or devices inside a good answer, and deciding what to send again, is left to others.
 */
import { retryAfterMs, type ApiAnswer } from '../common/api-client';
import { foreignText } from '../common/foreign';
import { isRecord, parseJson } from '../common/json';
import type { Redactor } from '../common/redact';
import { codeOfNumber, codeOfStatus, SberError, type FailureFacts, type SberCode } from './failures';
import type { YieldLoop } from './items';
import type { ItemFailure, Raw } from './shapes';

/** A good answer. Its body is empty where the answer was; `failed` names the items that a writing request did not change. */
export interface Good {
  body: Raw;
  failed: ItemFailure[];
  httpStatus: number;
}

/** What a reading request's answer holds; a writing one's holds nothing, and may be answered with nothing at all. */
export type ExpectedField = 'models' | 'devices' | undefined;

export interface Reading {
  redactor: Redactor;
  yieldLoop: YieldLoop;
  /** Wall clock, milliseconds. */
  now: number;
}

/** Characters of a foreign answer, or of Sber's own words, that an error quotes. */
const QUOTE = 200;
/** Sber's structures are about ten deep. What is far deeper is no answer, and a walk through it could end the process. */
const DEEPEST = 100;
/** Characters from which on reading an answer takes long enough to let others run in between. */
const LARGE = 200_000;
/** A firewall or a proxy refuses with 401 and 403 too. */
const FOREIGN_REFUSAL = {
  hint: 'What answered is not Sber’s API: a firewall or a proxy on the way refuses the request. Check whether this machine, or your country, may reach the endpoint.',
};
const REDIRECT = {
  hint: 'Enter the address that answers itself as the endpoint. The key is not carried to another address.',
};

/** @throws SberError for what is no good answer */
export async function readResponse(answer: ApiAnswer, expected: ExpectedField, reading: Reading): Promise<Good> {
  const { redactor, yieldLoop, now } = reading;
  const { status: httpStatus } = answer;
  const isGood = httpStatus >= 200 && httpStatus < 300;
  const fail = (code: SberCode | undefined, message: string, facts: FailureFacts = {}): SberError => {
    const wait = httpStatus === 429 ? retryAfterMs(answer.headers, now) : undefined;
    return new SberError(code ?? 'BAD_RESPONSE', message, { httpStatus, retryAfterMs: wait, ...facts });
  };
  const byStatus = (said: string, facts: FailureFacts = {}): SberError =>
    httpStatus >= 300 && httpStatus < 400
      ? fail(
          'BAD_RESPONSE',
          `the endpoint answered with a redirect (HTTP ${httpStatus}), which is not followed`,
          REDIRECT,
        )
      : fail(codeOfStatus(httpStatus), `HTTP ${httpStatus}${said === '' ? '' : `, ${said}`}`, facts);

  const text = answer.body.trim();
  if (text === '') {
    if (isGood && expected === undefined) return { body: {}, failed: [], httpStatus };
    throw isGood ? fail('BAD_RESPONSE', 'the answer is empty') : byStatus('an empty answer');
  }
  const letOthersRun = text.length > LARGE ? yieldLoop : () => undefined;
  await letOthersRun();
  const isReadable = !isTooDeep(text);
  await letOthersRun();
  const parsed = isReadable ? parseJson(text) : undefined;
  await letOthersRun();
  if (!isRecord(parsed)) {
    const quote = `not JSON of Sber’s: ${quoted(text, redactor)}`;
    if (isGood) throw fail('BAD_RESPONSE', quote);
    throw byStatus(quote, httpStatus === 401 || httpStatus === 403 ? FOREIGN_REFUSAL : {});
  }
  const body = redactor.suspects(text) ? (redactor.value(parsed) as Raw) : parsed;

  const items = itemFailures(body.errors, redactor);
  const [first] = items;
  if (first !== undefined && expected === undefined) return { body: {}, failed: items, httpStatus };
  const words = foreignText(redactor.text(wordsOf(body)) + (first?.message ?? ''), QUOTE);
  const code = numberOf(body.code) ?? first?.code;
  if (code !== undefined && code !== 0 && !(code >= 200 && code < 300)) {
    const said = `Sber answered ${code}${words === '' ? '' : `: ${words}`}`;
    throw fail(codeOfNumber(code) ?? codeOfStatus(httpStatus), said, { gatewayCode: code });
  }
  if (expected !== undefined && Array.isArray(body[expected])) return { body, failed: [], httpStatus };
  if (!isGood) throw byStatus(words);
  // Words of an error in a form that is not documented: to read them as success would be the worst reading of all.
  const isUnexplained = code === undefined && [body.code, body.error, body.message].some(saysSomething);
  if (saysSomething(body.errors) || isUnexplained) {
    throw fail('BAD_RESPONSE', `an error in no form of Sber’s: ${quoted(text, redactor)}`);
  }
  // Empty lists are left out (proto3), but an answer that says something else altogether is not an empty list.
  if (expected !== undefined && !(expected in body) && Object.keys(body).length > 0) {
    throw fail('BAD_RESPONSE', `the answer has no ${expected}: ${quoted(text, redactor)}`);
  }
  return { body, failed: [], httpStatus };
}

/** The per-item list. An entry that is no object says nothing and is passed over. */
function itemFailures(list: unknown, redactor: Redactor): ItemFailure[] {
  if (!Array.isArray(list)) return [];
  return list.filter(isRecord).map(({ id, code, message }) => ({
    id: textOf(id),
    code: numberOf(code) ?? 0,
    message: foreignText(redactor.text(textOf(message)), QUOTE),
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
function wordsOf({ message, details }: Raw): string {
  const words = typeof message === 'string' ? message : '';
  const more = Array.isArray(details) ? details.filter((one) => typeof one === 'string') : [];
  return more.length === 0 ? words : `${words} [${more.join(', ')}]`;
}

/** The beginning of a foreign answer as readable text. The key is removed before anything is cut, so no half remains. */
function quoted(text: string, redactor: Redactor): string {
  const words = redactor
    .beginning(text, QUOTE * 20)
    .replace(/<(script|style)\b[\s\S]*?<\/\1>/gi, ' ')
    .replace(/<[^>]*>/g, ' ');
  return JSON.stringify(foreignText(words, QUOTE));
}

/** Whether a JSON text nests deeper than Sber ever does. One pass over the text, the texts inside it skipped. */
function isTooDeep(text: string): boolean {
  let depth = 0;
  for (let at = 0; at < text.length && depth <= DEEPEST; at += 1) {
    const sign = text[at];
    if (sign === '"') at = endOfText(text, at);
    else if (sign === '{' || sign === '[') depth += 1;
    else if (sign === '}' || sign === ']') depth -= 1;
  }
  return depth > DEEPEST;
}

/** Index of the quotation mark that ends the text begun at `start`. */
function endOfText(text: string, start: number): number {
  let end = start + 1;
  while (end < text.length && text[end] !== '"') end += text[end] === '\\' ? 2 : 1;
  return end;
}
