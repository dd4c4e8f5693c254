/**
 * An HTTP/1 answer, put together from the pieces in which it arrives. Gateways in the field are small and careless, so this
 * reads what curl and Python's requests read: line ends without CR, blanks after a chunk's size, a Content-Length beside
 * `chunked` (which wins), control characters in a header, no length at all. Each connection carries one answer: what
 * follows a complete one is ignored, and so nothing can pass as the answer to another request. Knows no network.
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

type Phase = 'status' | 'headers' | 'sized' | 'to the end' | 'chunk size' | 'chunk' | 'chunk end' | 'complete';

const STATUS_LINE = /^HTTP\/1(?:\.\d+)?[ \t]+([1-9]\d\d)(?:[ \t]|$)/;
const CHUNK_SIZE = /^[ \t]*([0-9a-f]{1,8})[ \t]*(?:;|$)/i;
const NO_BODY = new Set([204, 304]);

export class AnswerParser {
  /** 0 until the status line has been read. */
  status = 0;
  private phase: Phase = 'status';
  private readonly headers = new Map<string, string>();
  private lengths = new Set<string>();
  /** The last header's name, for a line that continues it. */
  private header = '';
  private line = '';
  private readonly pieces: Buffer[] = [];
  private bodyBytes = 0;
  /** Of everything that is not body: headers, the sizes of chunks. */
  private otherBytes = 0;
  /** Still to come of the body, or of the chunk. */
  private remaining = 0;

  /** @param most bytes of the body, and of everything else together */
  constructor(private readonly most: number) {}

  /** True as soon as the answer is complete. @throws AnswerFault */
  push(bytes: Buffer): boolean {
    let at = 0;
    while (at < bytes.length && this.phase !== 'complete') {
      const isData = this.phase === 'sized' || this.phase === 'chunk' || this.phase === 'to the end';
      at = isData ? this.readData(bytes, at) : this.readLine(bytes, at);
    }
    return this.phase === 'complete';
  }

  /** The connection has ended. @throws AnswerFault where the answer is not complete */
  end(): void {
    if (this.phase === 'to the end') this.phase = 'complete';
    if (this.phase !== 'complete') throw new AnswerFault('lost', 'ECONNRESET');
  }

  /** To be asked for when the answer is complete. */
  get answer(): HttpAnswer {
    return {
      status: this.status,
      headers: Object.fromEntries(this.headers),
      body: Buffer.concat(this.pieces).toString(),
    };
  }

  private readData(bytes: Buffer, from: number): number {
    const to = this.phase === 'to the end' ? bytes.length : Math.min(bytes.length, from + this.remaining);
    this.bodyBytes += to - from;
    if (this.bodyBytes > this.most) throw new AnswerFault('size', 'ERR_BODY_TOO_LARGE');
    this.pieces.push(bytes.subarray(from, to));
    this.remaining -= to - from;
    if (this.remaining === 0) {
      if (this.phase === 'sized') this.phase = 'complete';
      if (this.phase === 'chunk') this.phase = 'chunk end';
    }
    return to;
  }

  private readLine(bytes: Buffer, from: number): number {
    const lineEnd = bytes.indexOf(10, from);
    const to = lineEnd < 0 ? bytes.length : lineEnd;
    this.otherBytes += to - from + 1;
    if (this.otherBytes > this.most) throw new AnswerFault('size', 'ERR_HEADERS_TOO_LARGE');
    this.line += bytes.toString('latin1', from, to);
    if (lineEnd < 0) {
      // Something that begins otherwise may never end a line: a greeting, or noise.
      if (this.phase === 'status' && !couldBeHttp(this.line)) throw new AnswerFault('protocol', 'ERR_NOT_HTTP');
      return to;
    }
    const line = this.line.endsWith('\r') ? this.line.slice(0, -1) : this.line;
    this.line = '';
    this.onLine(line);
    return to + 1;
  }

  private onLine(line: string): void {
    if (this.phase === 'status') this.onStatusLine(line);
    else if (this.phase === 'headers') this.onHeaderLine(line);
    else if (this.phase === 'chunk size') this.onChunkSize(line);
    else if (line === '') this.phase = 'chunk size';
    else throw new AnswerFault('protocol', 'ERR_CHUNK');
  }

  private onStatusLine(line: string): void {
    if (line === '') return;
    const status = STATUS_LINE.exec(line)?.[1];
    if (status === undefined) throw new AnswerFault('protocol', 'ERR_NOT_HTTP');
    this.status = Number(status);
    if (this.status === 101) throw new AnswerFault('protocol', 'ERR_UPGRADE');
    this.phase = 'headers';
  }

  private onHeaderLine(line: string): void {
    if (line === '') {
      this.onHeadersEnd();
      return;
    }
    const colon = line.indexOf(':');
    if (/^[ \t]/.test(line)) {
      const before = this.headers.get(this.header);
      if (before !== undefined) this.headers.set(this.header, `${before} ${line.trim()}`);
      return;
    }
    this.header = '';
    if (colon <= 0) return;
    const name = line.slice(0, colon).trim().toLowerCase();
    const value = line.slice(colon + 1).trim();
    if (name === 'content-length') for (const length of value.split(',')) this.lengths.add(length.trim());
    if (this.headers.has(name)) {
      // A second coding counts, wherever it stands.
      if (name === 'transfer-encoding') this.headers.set(name, `${this.headers.get(name)}, ${value}`);
      return;
    }
    this.headers.set(name, value);
    this.header = name;
  }

  private onHeadersEnd(): void {
    if (this.status < 200) {
      // "100 Continue" and its like come before the answer.
      this.headers.clear();
      this.lengths.clear();
      this.phase = 'status';
      return;
    }
    const codings = (this.headers.get('transfer-encoding') ?? '').toLowerCase().split(/[\s,]+/);
    const coded = codings.filter((coding) => coding !== '' && coding !== 'identity');
    if (NO_BODY.has(this.status)) this.phase = 'complete';
    else if (coded.length > 0) {
      if (coded.some((coding) => coding !== 'chunked')) throw new AnswerFault('protocol', 'ERR_TRANSFER_ENCODING');
      this.phase = 'chunk size';
    } else this.onLength();
  }

  private onLength(): void {
    const lengths = [...this.lengths].filter((length) => /^\d+$/.test(length)).map(Number);
    const [length] = lengths;
    // As with curl and Python's requests, a length that is no number is none.
    if (length === undefined) {
      this.phase = 'to the end';
      return;
    }
    if (lengths.some((other) => other !== length)) throw new AnswerFault('protocol', 'ERR_CONTENT_LENGTH');
    if (length > this.most) throw new AnswerFault('size', 'ERR_BODY_TOO_LARGE');
    this.remaining = length;
    this.phase = length === 0 ? 'complete' : 'sized';
  }

  private onChunkSize(line: string): void {
    const size = CHUNK_SIZE.exec(line)?.[1];
    if (size === undefined) throw new AnswerFault('protocol', 'ERR_CHUNK');
    this.remaining = parseInt(size, 16);
    // What may follow the last chunk is no part of the body, and not waited for.
    this.phase = this.remaining === 0 ? 'complete' : 'chunk';
  }
}

/** Whether a line that has not ended yet may become a status line. */
function couldBeHttp(line: string): boolean {
  return line === '\r' || 'HTTP/1'.startsWith(line.slice(0, 6));
}
