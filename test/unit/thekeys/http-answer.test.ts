import assert from 'node:assert/strict';
import fc from 'fast-check';
import { AnswerFault, AnswerParser, type HttpAnswer } from '../../../src/thekeys/http-answer';

const JSON_BODY = '{"status":"ok","code":0}';
const LENGTH = `Content-Length: ${JSON_BODY.length}`;

/** What came of the bytes, given in these pieces, with the connection ended behind them. */
function parsed(pieces: readonly (string | Buffer)[]): HttpAnswer {
  const parser = new AnswerParser(1000);
  for (const piece of pieces) if (parser.push(Buffer.from(piece as string, 'latin1'))) return parser.answer;
  parser.end();
  return parser.answer;
}

function outcome(pieces: readonly Buffer[]): unknown {
  try {
    const { status, headers, body } = parsed(pieces);
    return { status, headers, body };
  } catch (error) {
    assert.ok(error instanceof AnswerFault, String(error));
    return error.message;
  }
}

describe('an HTTP answer', () => {
  const readable: Record<string, string> = {
    'with line ends of the standard': `HTTP/1.1 200 OK\r\n${LENGTH}\r\n\r\n${JSON_BODY}`,
    'with bare LF line ends': `HTTP/1.1 200 OK\nContent-Type: text/html\n${LENGTH}\n\n${JSON_BODY}`,
    'with one header that ends in LF': `HTTP/1.1 200 OK\r\nServer: x\n${LENGTH}\r\n\r\n${JSON_BODY}`,
    'of an HTTP/1.0 server, without a length': `HTTP/1.0 200 OK\r\n\r\n${JSON_BODY}`,
    'without words for its status': `HTTP/1.1 200\r\n${LENGTH}\r\n\r\n${JSON_BODY}`,
    'in chunks, beside a wrong Content-Length': `HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n${JSON_BODY.slice(0, 4)}\r\n14\r\n${JSON_BODY.slice(4)}\r\n0\r\n\r\n`,
    "with blanks after a chunk's size": `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n18  \r\n${JSON_BODY}\r\n0 \r\n\r\n`,
    'in chunks with extensions and bare LF': `HTTP/1.1 200 OK\nTransfer-Encoding: Chunked\n\n018;a=b\n${JSON_BODY}\n0\n\n`,
    'with control characters in a header': `HTTP/1.1 200 OK\r\nServer: a\x01\x00b\x7f\r\n${LENGTH}\r\n\r\n${JSON_BODY}`,
    'with a line that is no header': `HTTP/1.1 200 OK\r\nnonsense\r\n${LENGTH}\r\n\r\n${JSON_BODY}`,
    'with a length said twice': `HTTP/1.1 200 OK\r\n${LENGTH}\r\n${LENGTH}\r\n\r\n${JSON_BODY}`,
    'with a length that is no number': `HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n${JSON_BODY}`,
    'after an interim answer': `HTTP/1.1 100 Continue\r\nContent-Length: 5\r\n\r\nHTTP/1.1 200 OK\r\n${LENGTH}\r\n\r\n${JSON_BODY}`,
    'with bytes behind it': `HTTP/1.1 200 OK\r\n${LENGTH}\r\n\r\n${JSON_BODY}\r\n\r\nHTTP/1.1 500 x\r\n\r\n`,
  };
  for (const [name, text] of Object.entries(readable)) {
    it(`${name} is read`, () => {
      const { status, body } = parsed([text]);
      assert.deepEqual([status, body], [200, JSON_BODY]);
    });
  }

  const refused: Record<string, [string, string]> = {
    'that is no HTTP': ['SSH-2.0-x', 'protocol: ERR_NOT_HTTP'],
    'of another version of HTTP': ['HTTP/2 200\r\n', 'protocol: ERR_NOT_HTTP'],
    'that goes on to another protocol': ['HTTP/1.1 101 x\r\n', 'protocol: ERR_UPGRADE'],
    'with two lengths': [
      'HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 4\r\n\r\nabcd',
      'protocol: ERR_CONTENT_LENGTH',
    ],
    'with two lengths in one header': [
      'HTTP/1.1 200 OK\r\nContent-Length: 2, 4\r\n\r\nabcd',
      'protocol: ERR_CONTENT_LENGTH',
    ],
    'with a chunk of no size': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n', 'protocol: ERR_CHUNK'],
    'with a chunk longer than it says': [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n',
      'protocol: ERR_CHUNK',
    ],
    'in a coding that was not asked for': [
      'HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n',
      'protocol: ERR_TRANSFER_ENCODING',
    ],
    'that is cut off': ['HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc', 'lost: ECONNRESET'],
    'that is cut off within its headers': ['HTTP/1.1 200 OK\r\nContent-Le', 'lost: ECONNRESET'],
    'without its last chunk': ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n', 'lost: ECONNRESET'],
    'that says it is too long': ['HTTP/1.1 200 OK\r\nContent-Length: 1001\r\n\r\n', 'size: ERR_BODY_TOO_LARGE'],
    'that is too long': [`HTTP/1.1 200 OK\r\n\r\n${'x'.repeat(1001)}`, 'size: ERR_BODY_TOO_LARGE'],
    'with endless headers': [`HTTP/1.1 200 OK\r\n${'A: b\r\n'.repeat(200)}`, 'size: ERR_HEADERS_TOO_LARGE'],
    'with endless interim answers': ['HTTP/1.1 100 x\r\n\r\n'.repeat(60), 'size: ERR_HEADERS_TOO_LARGE'],
  };
  for (const [name, [text, message]] of Object.entries(refused)) {
    it(`${name} is refused`, () => assert.throws(() => parsed([text]), { message }));
  }

  it('has the first of two equal headers, and one that goes on in the next line', () => {
    const { headers } = parsed(['HTTP/1.1 204 x\r\nDate: 1\r\nDate: 2\r\nServer: a\r\n b\r\n__proto__: x\r\n\r\n']);
    assert.deepEqual([headers.date, headers.server], ['1', 'a b']);
  });

  it('comes to the same in whatever pieces it arrives', () => {
    const texts = [...Object.values(readable), ...Object.values(refused).map(([text]) => text)];
    const mangled = fc
      .tuple(fc.constantFrom(...texts), fc.nat(200), fc.constantFrom('', '\r', '\n', '\r\n', ':', '\0', '7', ' ', ';'))
      .map(([text, at, more]) => text.slice(0, at) + more + text.slice(at));
    const bytes = fc.oneof(fc.constantFrom(...texts), mangled).map((text) => Buffer.from(text, 'latin1'));
    fc.assert(
      fc.property(bytes, fc.array(fc.integer({ min: 1, max: 40 })), (all, sizes) => {
        const pieces: Buffer[] = [];
        let rest = all;
        for (const size of sizes) {
          pieces.push(rest.subarray(0, size));
          rest = rest.subarray(size);
        }
        assert.deepEqual(outcome([...pieces, rest]), outcome([all]));
        assert.deepEqual(outcome([...all].map((byte) => Buffer.from([byte]))), outcome([all]));
      }),
      { numRuns: 500 },
    );
  });
});
