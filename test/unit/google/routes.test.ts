import assert from 'node:assert/strict';
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { silent } from '../../../src/common/log';
import { fulfillmentRoute } from '../../../src/google/fulfillment';
import type { LinkedAccounts } from '../../../src/google/accounts';
import { HandClock } from '../../support/clock';
import { House } from '../../support/smart-home';

describe('the address that Google asks', () => {
  it('answers within three seconds that it should try again, although what is kept cannot be read at all', async () => {
    const [clock, house, warnings] = [new HandClock(), new House(), [] as string[]];
    let asked = (): void => undefined;
    const arrived = new Promise<void>((resolve) => (asked = resolve));
    const accounts = {
      authenticate: () => {
        asked();
        return new Promise<undefined>(() => undefined);
      },
    } as unknown as LinkedAccounts;
    const log = { ...silent, warn: (text: string) => void warnings.push(text) };
    const route = fulfillmentRoute({ accounts, home: house.home, clock, log });
    const server = http.createServer((request, response) => void route(request, response));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    try {
      const { port } = server.address() as AddressInfo;
      const headers = { Authorization: 'Bearer demo-token' };
      const answer = fetch(`http://127.0.0.1:${port}/`, { method: 'POST', headers, body: '{}' });
      await arrived;
      await clock.advance(3000);
      const { status, headers: answered } = await answer;
      assert.deepEqual([status, answered.get('retry-after'), clock.waiting], [503, '3', 0]);
      assert.equal(warnings.length, 1);
    } finally {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await house.home.close();
    }
  });
});
