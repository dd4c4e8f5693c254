/**
 * What goes wrong at the simulated Sber cloud, scripted: which request, how often, and what the client then sees. The
 * good answers are the cloud's own.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';

export type SberFault = {
  /** Only requests of this method; of this path (`/v1/models`). Default: any. */
  method?: 'GET' | 'POST' | 'PUT' | 'DELETE';
  path?: string;
  /** How many requests meet it. Default: one. */
  times?: number;
  /** The request is carried out all the same: only its answer suffers. */
  carriedOut?: boolean;
} & (
  | {
      /** A common error. `status`: the HTTP status to travel with, instead of the cloud's habit. */
      kind: 'error';
      code: number;
      message?: string;
      details?: string[];
      status?: number;
    }
  /** A page of a proxy. */
  | { kind: 'html'; status: number }
  /** This body, whatever it is. */
  | { kind: 'raw'; body: string; status?: number; headers?: Record<string, string> }
  /** Nothing but a status. */
  | { kind: 'empty'; status: number }
  /** The connection ends instead of an answer; with `halfway`, in the middle of one. */
  | { kind: 'reset'; halfway?: boolean }
  /** The good answer, but late. */
  | { kind: 'slow'; ms: number }
  /** 429: too many requests, with a `Retry-After`. */
  | { kind: 'busy'; retryAfter?: string }
  /** No answer at all. */
  | { kind: 'silent' }
  | { kind: 'redirect'; location: string }
  /** Shows the caller's key in an error, as careless servers do: as it is, in a URL, as JSON escapes. */
  | { kind: 'echo' }
  /** A good-looking answer of so many bytes. */
  | { kind: 'huge'; bytes: number }
);

interface Stage {
  request: IncomingMessage;
  response: ServerResponse;
  token: string;
  statuses: 'ok' | 'real';
  normal: () => { status: number; body: string };
}

export class SberFaults {
  private readonly script: { fault: SberFault; left: number }[] = [];
  private readonly timers = new Set<NodeJS.Timeout>();

  add(fault: SberFault): void {
    this.script.push({ fault, left: fault.times ?? 1 });
  }

  /** The fault that this request meets, if one does. */
  next(method: string, path: string): SberFault | undefined {
    const found = this.script.find(
      ({ fault, left }) =>
        left > 0 && (fault.method ?? method) === method && (fault.path === undefined || fault.path === path),
    );
    if (found === undefined) return undefined;
    found.left -= 1;
    return found.fault;
  }

  async play(fault: SberFault, { response, token, statuses, normal }: Stage): Promise<void> {
    switch (fault.kind) {
      case 'error': {
        const status = fault.status ?? (statuses === 'real' ? fault.code : 200);
        const body = { code: fault.code, message: fault.message ?? 'Simulated error', details: fault.details ?? [] };
        json(response, status, JSON.stringify(body));
        return;
      }
      case 'html':
        response.writeHead(fault.status, { 'Content-Type': 'text/html' });
        response.end(`<html><head><title>${fault.status}</title></head><body><h1>A proxy speaks</h1></body></html>`);
        return;
      case 'raw':
        response.writeHead(fault.status ?? 200, { 'Content-Type': 'application/json', ...fault.headers });
        response.end(fault.body);
        return;
      case 'empty':
        response.writeHead(fault.status).end();
        return;
      case 'reset':
        if (fault.halfway !== true) {
          response.destroy();
          return;
        }
        response.writeHead(200, { 'Content-Type': 'application/json', 'Content-Length': '1000' });
        response.write('{"models":[');
        this.later(20, () => response.destroy());
        return;
      case 'slow':
        await new Promise<void>((resolve) => this.later(fault.ms, resolve));
        {
          const { status, body } = normal();
          json(response, status, body);
        }
        return;
      case 'busy':
        response.writeHead(429, fault.retryAfter === undefined ? {} : { 'Retry-After': fault.retryAfter });
        response.end('too many requests');
        return;
      case 'silent':
        return;
      case 'redirect':
        response.writeHead(302, { Location: fault.location }).end();
        return;
      case 'echo': {
        const escaped = Array.from(token, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`).join('');
        const encoded = encodeURIComponent(token);
        json(
          response,
          statuses === 'real' ? 400 : 200,
          `{"code":400,"message":"bad key Bearer ${token} in /v1/models?key=${encoded}","details":["${escaped}"]}`,
        );
        return;
      }
      case 'huge':
        json(response, 200, `{"models":[],"padding":"${'x'.repeat(fault.bytes)}"}`);
    }
  }

  stop(): void {
    for (const timer of this.timers) clearTimeout(timer);
    this.timers.clear();
  }

  private later(ms: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      run();
    }, ms);
    this.timers.add(timer);
  }
}

function json(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(body);
}
