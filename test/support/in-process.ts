/** The simulated gateway without sockets, so that a test owns the time. It fails as HTTP over a network does. */
import { MemoryState } from '../../src/state/local';
import { parseAddress } from '../../src/thekeys/gateway-address';
import { ExchangeFailure, type ExchangeRequest, type HttpAnswer } from '../../src/thekeys/exchange';
import { Gateway, type GatewayOptions } from '../../src/thekeys/gateway';
import { onAbort } from '../../src/common/abort';
import type { Clock } from '../../src/common/clock';
import { silent } from '../../src/common/log';
import type { SimulatedGateway } from '../../simulators/gateway/gateway';

export type Exchange = (request: ExchangeRequest) => Promise<HttpAnswer>;

/** @param killed aborted when the process that owns the exchange is killed: nothing leaves any more, nothing comes back */
export function inProcess(world: SimulatedGateway, clock: Clock, killed?: AbortSignal): Exchange {
  return async ({ method, url, body, timeoutMs, signal }) => {
    const gone = new AbortController();
    let sent = false;
    let end: () => void = () => undefined;
    const failure = new Promise<never>((_resolve, reject) => {
      const fail = (kind: 'timeout' | 'aborted'): void => {
        gone.abort();
        reject(new ExchangeFailure(kind === 'timeout' && !sent ? 'connect' : kind, sent, 'ETIMEDOUT'));
      };
      const cancel = clock.after(timeoutMs, () => fail('timeout'));
      const forget = signal && onAbort(signal, () => fail('aborted'));
      const die = killed && onAbort(killed, () => gone.abort());
      end = () => {
        cancel();
        forget?.();
        die?.();
      };
    });
    failure.catch(() => undefined);
    const dead = new Promise<never>(() => undefined);
    try {
      // A connection takes a moment.
      await Promise.race([failure, Promise.resolve()]);
      const text = body();
      sent = true;
      if (killed?.aborted) return await dead;
      const answer = await Promise.race([
        failure,
        world.handle(
          {
            method,
            path: url.pathname,
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            body: text,
          },
          { gone: gone.signal },
        ),
      ]);
      if (killed?.aborted) return await dead;
      switch (answer.kind) {
        case 'answer':
          return {
            status: answer.status,
            headers: Object.fromEntries(
              Object.entries(answer.headers).map(([name, value]) => [name.toLowerCase(), value]),
            ),
            body: answer.body,
          };
        case 'refused':
          throw new ExchangeFailure('connect', false, 'ECONNREFUSED');
        case 'dropped':
        case 'truncated':
          throw new ExchangeFailure('lost', true, 'ECONNRESET');
        case 'hang':
          return await failure;
      }
    } finally {
      end();
    }
  };
}

/** A gateway's answers, made by the test itself: what it gives for a path is what comes, as JSON. */
export function answering(answer: (path: string, request: ExchangeRequest) => unknown): Exchange {
  return async (request) => {
    await Promise.resolve();
    request.signal?.throwIfAborted();
    request.body();
    const body = JSON.stringify(answer(request.url.pathname, request));
    await Promise.resolve();
    return { status: 200, headers: {}, body };
  };
}

/** A client over that exchange, that keeps nothing. */
export function gatewayOver(exchange: Exchange, more: Partial<GatewayOptions> = {}): Gateway {
  const address = parseAddress('gateway.test');
  return new Gateway({ address, state: new MemoryState(), log: silent, exchange, ...more });
}

/** A client of it, under the same clock. */
export function clientOf(world: SimulatedGateway, clock: Clock, exchange = inProcess(world, clock)): Gateway {
  return gatewayOver(exchange, { clock, random: () => 0.5 });
}
