/**
 * How a call travels: plain HTTP with a form body, each on a connection of its own as the vendor's client does it.
 */
import { exchange, type HttpAnswer } from '../common/http';
import type { Latch } from '../common/latch';

export interface Parcel {
  method: 'GET' | 'POST';
  path: string;
  /** Makes the form at the last moment: the timestamp in it must not grow old. What it throws ends the attempt. */
  form: () => Promise<Record<string, string>>;
  timeoutMs: number;
  /** Asked immediately before the first byte leaves; false ends the call as `aborted`, with nothing sent. */
  mayLeave: () => boolean;
  /** Closed when nobody waits for the answer any more; the exchange itself goes on. */
  detach?: Latch;
}

/** @throws HttpFailure, or whatever `form` throws */
export type Transport = (parcel: Parcel) => Promise<HttpAnswer>;

/** The longest answer of a gateway is a list of locks, some 100 bytes for each. */
const MOST_BYTES = 256 * 1024;

export function httpTransport(base: URL): Transport {
  const urls = new Map<string, URL>();
  const urlOf = (path: string): URL => {
    const url = urls.get(path) ?? new URL(path, base);
    urls.set(path, url);
    return url;
  };
  return ({ method, path, form, timeoutMs, mayLeave, detach }) =>
    exchange({
      method,
      url: urlOf(path),
      headers: {
        Accept: '*/*',
        ...(method === 'POST' ? { 'Content-Type': 'application/x-www-form-urlencoded' } : {}),
      },
      // A space never occurs, so the one difference between forms and percent-encoding does not matter; `+` and `/`
      // of a hash must be encoded, or a form decoder turns `+` into a space.
      body: async () => {
        const fields = await form();
        if (method === 'GET') return '';
        return Object.entries(fields)
          .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
          .join('&');
      },
      timeoutMs,
      mayLeave,
      maxBytes: MOST_BYTES,
      ...(detach === undefined ? {} : { detach }),
    });
}
