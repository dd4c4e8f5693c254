/**
 * Account linking served by two processes that share a Redis, as behind a load balancer: whatever one hands out, the
 * other knows, and nothing can be had twice.
 */
import assert from 'node:assert/strict';
import { silent } from '../../src/common/log';
import { systemClock } from '../../src/common/clock';
import { authorizeAddress, fetchCode, openPage, redeem, refresh, submit } from '../../simulators/google/link';
import { RedisState } from '../../src/state/redis';
import { serveLinking, type LinkingServer } from '../support/linking';
import { RedisServer } from '../support/redis';

const ANNA = { username: 'anna', password: 'correct horse' };

describe('account linking by two processes with a common Redis', () => {
  let redis: RedisServer;
  let one: LinkingServer;
  let two: LinkingServer;
  let states: RedisState[];
  let count = 0;

  before(async () => {
    redis = await RedisServer.start();
  });
  after(() => redis.stop());
  beforeEach(async () => {
    const url = `${redis.url}?prefix=linking${++count}:`;
    states = [0, 1].map(() => new RedisState({ url, log: silent }));
    one = await serveLinking({ state: states[0]!, clock: systemClock });
    two = await serveLinking({ state: states[1]!, clock: systemClock });
  });
  afterEach(async () => {
    await one.close();
    await two.close();
    await Promise.all(states.map((state) => state.close()));
  });

  it('a form, a code and a token of one are good at the other', async () => {
    const form = await openPage(authorizeAddress(one.settings));
    const there = await openPage(authorizeAddress(two.settings));
    const back = await submit({ ...form, action: there.action }, ANNA);
    const tokens = await redeem(one.settings, back.location!.searchParams.get('code')!);
    const next = await refresh(two.settings, tokens.refreshToken!);
    const identity = await two.accounts.authenticate(tokens.accessToken);
    assert.equal(identity?.user, 'anna');
    assert.deepEqual(await one.accounts.authenticate(next.accessToken), identity);
  });

  it('a code is redeemed once, however many ask both at the same time', async () => {
    const code = await fetchCode(one.settings, 'anna', 'correct horse');
    const asked = Array.from({ length: 20 }, (_, i) => redeem((i % 2 === 0 ? one : two).settings, code));
    const given = (await Promise.allSettled(asked)).filter((result) => result.status === 'fulfilled');
    assert.ok(given.length <= 1);
    // Google's own repetition of a request does not cost the link.
    assert.equal((await one.accounts.linkedUsers()).length, 1);
  });

  it('50 parallel refreshes through both all give good tokens', async () => {
    const { refreshToken } = await redeem(one.settings, await fetchCode(one.settings, 'anna', 'correct horse'));
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, i) => refresh((i % 2 === 0 ? one : two).settings, refreshToken!)),
    );
    for (const { accessToken } of all) assert.ok(await two.accounts.authenticate(accessToken));
  });

  it('guesses at both are counted together', async () => {
    const forms = [await openPage(authorizeAddress(one.settings)), await openPage(authorizeAddress(two.settings))];
    const statuses: number[] = [];
    for (let i = 0; i < 30; i++) {
      statuses.push((await submit(forms[i % 2]!, { username: 'ben', password: `guess-${i}` })).status);
    }
    assert.ok(statuses.filter((status) => status === 403).length < 12);
  });

  it('a link that ends at one has ended at the other', async () => {
    const tokens = await redeem(one.settings, await fetchCode(one.settings, 'anna', 'correct horse'));
    const identity = (await two.accounts.authenticate(tokens.accessToken))!;
    const heard = new Promise<void>((resolve) => {
      two.accounts.onLinksChanged(() => resolve());
    });
    await one.accounts.disconnect(identity.agentUserId, identity.link);
    await heard;
    assert.equal(await two.accounts.authenticate(tokens.accessToken), undefined);
  });
});
