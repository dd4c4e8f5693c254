/**
 * An HTTP/1 answer, read from the pieces in which it arrives. Gateways in the field are small and careless, so this reads
 * what curl and Python's requests read: line ends without CR, blanks after a chunk's size, a Content-Length beside `chunked`
 * (which wins), control characters in a header, no length at all. Knows no network.
 */

export interface HttpAnswer {
  status: number;
  /** By lower-case name; of a header that came twice, the first. */
  headers: Readonly<Record<string, string | undefined>>;
  body: string;
}

/** Why the bytes so far cannot become an answer: too many, not HTTP, or the connection ended too early. */
export class AnswerFault extends Error {
  constructor(
    readonly kind: 'size' | 'protocol' | 'lost',
    readonly reason: string,
  ) {
    super(`${kind}: ${reason}`);
  }
}

const STATUS_LINE = /^HTTP\/1(?:\.\d+)?[ \t]+([1-9]\d\d)(?:[ \t]|$)/;
const CHUNK_SIZE = /^[ \t]*([0-9a-f]{1,8})[ \t]*(?:;|$)/i;
const NO_BODY = new Set([204, 304]);

/** A part of the answer: suspended where more bytes are needed. */
type Reading<T> = Generator<void, T, void>;

export class AnswerParser {
  /** 0 until the status line has been read. */
  status = 0;
  private headers = new Map<string, string>();
  private readonly pieces: Buffer[] = [];
  private bodyBytes = 0;
  /** Of everything that is not body: headers, the sizes of chunks. */
  private otherBytes = 0;
  /** What has arrived and was not read yet. */
  private arrived: Buffer = Buffer.alloc(0);
  private ended = false;
  private readonly reading = this.read();

  /** @param most bytes of the body, and of everything else together */
  constructor(private readonly most: number) {}

  /** True as soon as the answer is complete: what follows can so never pass as another one. @throws AnswerFault */
  push(bytes: Buffer): boolean {
    this.arrived = bytes;
    return this.reading.next().done === true;
  }

  /** The connection has ended. @throws AnswerFault where the answer is not complete */
  end(): void {
    this.ended = true;
    if (this.reading.next().done !== true) throw new AnswerFault('lost', 'ECONNRESET');
  }

  get answer(): HttpAnswer {
    const { status, headers, pieces } = this;
    return { status, headers: Object.fromEntries(headers), body: Buffer.concat(pieces).toString() };
  }

  private *read(): Reading<void> {
    let lengths: ReadonlySet<string>;
    // "100 Continue" and its like come before the answer.
    do {
      yield* this.readStatusLine();
      lengths = yield* this.readHeaders();
    } while (this.status < 200);
    if (NO_BODY.has(this.status)) return;
    const codings = (this.headers.get('transfer-encoding') ?? '').toLowerCase().split(/[\s,]+/);
    const coded = codings.filter((coding) => coding !== '' && coding !== 'identity');
    if (coded.some((coding) => coding !== 'chunked')) throw new AnswerFault('protocol', 'ERR_TRANSFER_ENCODING');
    if (coded.length > 0) return yield* this.readChunks();
    // As with curl and Python's requests, a length that is no number is none.
    const [length = Infinity, ...others] = [...lengths].filter((each) => /^\d+$/.test(each)).map(Number);
    if (others.some((other) => other !== length)) throw new AnswerFault('protocol', 'ERR_CONTENT_LENGTH');
    yield* this.readBody(length);
  }

  private *readStatusLine(): Reading<void> {
    let line = '';
    while (line === '') line = yield* this.readLine(couldBeHttp);
    const status = STATUS_LINE.exec(line)?.[1];
    if (status === undefined) throw new AnswerFault('protocol', 'ERR_NOT_HTTP');
    this.status = Number(status);
    if (this.status === 101) throw new AnswerFault('protocol', 'ERR_UPGRADE');
  }

  private *readHeaders(): Reading<Set<string>> {
    const headers = (this.headers = new Map<string, string>());
    const lengths = new Set<string>();
    /** The last header's name, for a line that continues it. */
    let last: string | undefined;
    for (let line = yield* this.readLine(); line !== ''; line = yield* this.readLine()) {
      const colon = line.indexOf(':');
      if (/^[ \t]/.test(line)) {
        if (last !== undefined) headers.set(last, `${headers.get(last)} ${line.trim()}`);
        continue;
      }
      last = undefined;
      if (colon <= 0) continue;
      const name = line.slice(0, colon).trim().toLowerCase();
      const value = line.slice(colon + 1).trim();
      if (name === 'content-length') for (const length of value.split(',')) lengths.add(length.trim());
      const before = headers.get(name);
      if (before === undefined) headers.set((last = name), value);
      // A second coding counts, wherever it stands.
      else if (name === 'transfer-encoding') headers.set(name, `${before}, ${value}`);
    }
    return lengths;
  }

  /** What may follow the last chunk is no part of the body, and not waited for. */
  private *readChunks(): Reading<void> {
    for (;;) {
      const size = CHUNK_SIZE.exec(yield* this.readLine())?.[1];
      if (size === undefined) throw new AnswerFault('protocol', 'ERR_CHUNK');
      const length = parseInt(size, 16);
      if (length === 0) return;
      yield* this.readBody(length);
      if ((yield* this.readLine()) !== '') throw new AnswerFault('protocol', 'ERR_CHUNK');
    }
  }

  /** @param length Infinity: to the end of the connection */
  private *readBody(length: number): Reading<void> {
    const end = this.bodyBytes + length;
    if (length !== Infinity && end > this.most) throw new AnswerFault('size', 'ERR_BODY_TOO_LARGE');
    for (;;) {
      const piece = this.arrived.subarray(0, Math.min(this.arrived.length, end - this.bodyBytes));
      this.arrived = this.arrived.subarray(piece.length);
      this.bodyBytes += piece.length;
      if (this.bodyBytes > this.most) throw new AnswerFault('size', 'ERR_BODY_TOO_LARGE');
      this.pieces.push(piece);
      if (this.bodyBytes === end || (this.ended && length === Infinity)) return;
      yield;
    }
  }

  /** @param isPossible false for a beginning that can never become the line: it may never end */
  private *readLine(isPossible: (line: string) => boolean = () => true): Reading<string> {
    for (let line = ''; ; yield) {
      const lineEnd = this.arrived.indexOf(10);
      const to = lineEnd < 0 ? this.arrived.length : lineEnd;
      line += this.arrived.toString('latin1', 0, to);
      this.otherBytes += lineEnd < 0 ? to : to + 1;
      this.arrived = this.arrived.subarray(to + 1);
      if (this.otherBytes > this.most) throw new AnswerFault('size', 'ERR_HEADERS_TOO_LARGE');
      if (lineEnd >= 0) return line.endsWith('\r') ? line.slice(0, -1) : line;
      if (!isPossible(line)) throw new AnswerFault('protocol', 'ERR_NOT_HTTP');
    }
  }
}

/** Whether a line that has not ended yet, a greeting or noise, may become a status line. */
function couldBeHttp(line: string): boolean {
  return line === '\r' || 'HTTP/1'.startsWith(line.slice(0, 6));
}
