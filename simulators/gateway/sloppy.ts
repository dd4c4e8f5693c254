/**
 * Answers that depart from what HTTP or JSON prescribes, as small devices send them, and that other clients read all the
 * same. The bytes are made here, for no HTTP library would send them.
 */
import { STATUS_CODES } from 'node:http';
import type { SimulatedAnswer, SloppyHttp } from './wire';

type Whole = Extract<SimulatedAnswer, { kind: 'answer' }>;

const EOL = '\r\n';

export function sloppyBytes({ status, headers, body }: Whole, how: SloppyHttp): Buffer {
  const text = bodyOf(body, how);
  const isChunked = how === 'both-lengths' || how === 'blank-after-chunk-size';
  const lines = Object.entries({ ...headers, Connection: 'close' }).map(([name, value]) => `${name}: ${value}`);
  if (isChunked) lines.push('Transfer-Encoding: chunked');
  if (how !== 'no-length' && how !== 'blank-after-chunk-size') lines.push(`Content-Length: ${Buffer.byteLength(text)}`);
  if (how === 'control-in-header') lines.push('Server: TK\u0001Gateway\u000b');
  const statusLine = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`;
  const head = [statusLine, ...lines].map((line, index) => line + (how === 'one-bare-lf' && index === 1 ? '\n' : EOL));
  const answer = `${head.join('')}${EOL}${isChunked ? chunked(text, how) : text}`;
  if (how === 'bytes-after') return Buffer.from(`${answer}HTTP/1.1 200 OK${EOL}${EOL}more`);
  return Buffer.from(how === 'bare-lf' ? answer.replaceAll(EOL, '\n') : answer);
}

function chunked(text: string, how: SloppyHttp): string {
  const blank = how === 'blank-after-chunk-size' ? '  ' : '';
  const half = Math.ceil(text.length / 2);
  const chunks = [text.slice(0, half), text.slice(half), ''].filter((chunk, index) => chunk !== '' || index === 2);
  return chunks.map((chunk) => `${Buffer.byteLength(chunk).toString(16)}${blank}${EOL}${chunk}${EOL}`).join('');
}

/** JSON with something in it that the standard forbids. A body that is no JSON object stays as it is. */
function bodyOf(body: string, how: SloppyHttp): string {
  if (how === 'nul-after-json') return `${body}\u0000`;
  if (how === 'control-in-json') return body.replace(/\}$/, ',"note":"line\n\ttab\u0001"}');
  return body;
}
