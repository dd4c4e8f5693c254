/** The simulated gateway without sockets, so that a test owns the time. It fails as HTTP over a network does. */
import { MemoryState } from '../../src/state/local';
import { parseAddress } from '../../src/thekeys/address';
import { Gateway } from '../../src/thekeys/gateway';
import type { Clock } from '../../src/common/clock';
import { HttpFailure, type HttpAnswer } from '../../src/common/http';
import type { SimulatedGateway } from '../../simulators/gateway/gateway';
import type { Parcel, Transport } from '../../src/thekeys/transport';

/** @param killed aborted when the process that owns the transport is killed: nothing leaves any more, nothing comes back */
export function inProcess(world: SimulatedGateway, clock: Clock, killed?: AbortSignal): Transport {
  return async (parcel: Parcel): Promise<HttpAnswer> => {
    const late = new AbortController();
    let cancel: () => void = () => undefined;
    const timeout = new Promise<never>((_resolve, reject) => {
      cancel = clock.after(parcel.timeoutMs, () => {
        late.abort();
        reject(new HttpFailure('timeout', true, 'ETIMEDOUT'));
      });
    });
    timeout.catch(() => undefined);
    const dead = new Promise<never>(() => undefined);
    try {
      const form = await parcel.form();
      if (!parcel.mayLeave()) throw new HttpFailure('aborted', false, 'aborted');
      if (late.signal.aborted) throw new HttpFailure('connect', false, 'ETIMEDOUT');
      if (killed?.aborted) return await dead;
      const answer = await Promise.race([
        timeout,
        world.handle(
          {
            method: parcel.method,
            path: parcel.path,
            headers: { 'content-type': 'application/x-www-form-urlencoded' },
            body: new URLSearchParams(form).toString(),
          },
          { gone: killed === undefined ? late.signal : AbortSignal.any([late.signal, killed]) },
        ),
      ]);
      if (killed?.aborted) return await dead;
      switch (answer.kind) {
        case 'answer':
          return { status: answer.status, headers: answer.headers, body: answer.body };
        case 'refused':
          throw new HttpFailure('connect', false, 'ECONNREFUSED');
        case 'dropped':
        case 'truncated':
          throw new HttpFailure('lost', true, 'ECONNRESET');
        case 'hang':
          return await timeout;
      }
    } finally {
      cancel();
    }
  };
}

/** A client of it, under the same clock, that keeps nothing. */
export function clientOf(world: SimulatedGateway, clock: Clock, transport = inProcess(world, clock)): Gateway {
  return new Gateway({
    address: parseAddress('gateway.test'),
    state: new MemoryState(),
    warn: () => undefined,
    clock,
    transport,
    random: () => 0.5,
  });
}
