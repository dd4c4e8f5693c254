/** Watching locks in several processes that share a Redis. */
import assert from 'node:assert/strict';
import { systemClock } from '../../src/common/clock';
import { silent } from '../../src/common/log';
import { RedisState } from '../../src/state/redis';
import type { ListedLock, LockReading } from '../../src/thekeys/wire';
import { Readings } from '../../src/thekeys/readings';
import { Watcher, type WatcherOptions } from '../../src/thekeys/watcher';
import { RedisServer, TcpProxy } from '../support/redis';

const SHARE = { identifier: '1001', code: 'demo-share-code-1' };
const BATTERY = { batteryMillivolts: 7500, batteryPercent: 61 };
const LISTED: ListedLock = { identifier: '1001', rssi: -60, ...BATTERY, lastLog: 1 };
const READING: LockReading = {
  identifier: '1001',
  state: 'closed',
  code: 49,
  ...BATTERY,
  rssi: -60,
  position: 0,
  version: 81,
  at: '2026-01-01T00:00:00.000Z',
};
/** That of the turn to poll. */
const LEASE_MS = 8000;
/** A lease lasts so long until it is first renewed. */
const FIRST_GRANT_MS = 3000;

describe('processes that watch the same lock', () => {
  let redis: RedisServer;
  let proxy: TcpProxy;
  const opened: RedisState[] = [];
  const stops: (() => void)[] = [];

  before(async () => {
    redis = await RedisServer.start();
    proxy = await TcpProxy.start(Number(new URL(redis.url).port));
  });
  after(async () => {
    for (const stop of stops) stop();
    await Promise.all(opened.map((state) => state.close()));
    await proxy.stop();
    await redis.stop();
  });

  const process = (
    url: string,
    gateway: Pick<WatcherOptions, 'list' | 'read'>,
    intervalMs: number,
  ): { heard: () => number } => {
    const state = new RedisState({ url, log: silent });
    opened.push(state);
    const shared = { key: 'gateway.test:80', state, log: silent };
    const readings = new Readings(shared);
    const watcher = new Watcher({ ...shared, ...gateway, readings, clock: systemClock, random: Math.random });
    let heard = 0;
    stops.push(
      watcher.watch(
        { share: SHARE, intervalMs, timeoutMs: 60_000 },
        {
          onReading: (_reading, polled) => (heard += polled ? 1 : 0),
          onTrouble: () => undefined,
          onTroubleLasts: () => undefined,
          onRecovered: () => undefined,
        },
      ),
    );
    return { heard: () => heard };
  };

  it('go on when the one that polls is killed in the middle of it, no later than its lease lasts', async () => {
    let asked: () => void = () => undefined;
    const inTheMiddle = new Promise<void>((resolve) => (asked = resolve));
    const never = new Promise<never>(() => undefined);
    process(redis.url.replace(/:\d+/, `:${proxy.port}`), { list: () => (asked(), never), read: () => never }, 1000);
    await inTheMiddle;
    // From here on nothing of it reaches anybody.
    proxy.blackHole = true;
    const began = performance.now();
    let listed = 0;
    let polled = 0;
    const other = process(
      redis.url,
      {
        list: () => {
          listed ||= performance.now() - began;
          polled += 1;
          return Promise.resolve([LISTED]);
        },
        read: () => Promise.resolve(READING),
      },
      1000,
    );
    while (other.heard() < 2) await new Promise((resolve) => setTimeout(resolve, 50));
    // Not before the lease, as seen by its holder, could be over; nor much later than it is.
    assert.ok(listed > FIRST_GRANT_MS * 0.9 && listed < 2 * LEASE_MS, `after ${Math.round(listed)} ms`);
    assert.equal(polled, other.heard());
  });
});
