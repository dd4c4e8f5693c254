/** Reads the body of a request from Google or a browser, with a cap. What it means is left to the callers. */
import type { IncomingMessage } from 'node:http';

/** How much of a body that is too large is read on, so that the other side learns why it is refused; then the line is cut. */
export const MAX_DISCARDED_BYTES = 16 * 1024 * 1024;

/** The text, or undefined as soon as it is too large. Rejects when the connection ends before the body does. */
export function readBody(request: IncomingMessage, maxBytes: number): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = [];
    let size = 0;
    request.on('data', (chunk: Buffer) => {
      size += chunk.length;
      if (size <= maxBytes) chunks.push(chunk);
      else resolve(undefined);
      if (size > MAX_DISCARDED_BYTES) request.destroy();
    });
    request.on('end', () => resolve(Buffer.concat(chunks).toString()));
    request.on('error', reject);
    request.on('close', () => reject(new Error('the connection ended')));
  });
}
