/** Every request and answer of Google's security system guide, in the guide's order. The same over HTTP: test/node. */
import assert from 'node:assert/strict';
import { GUIDE } from '../../support/google-guide';
import { House, ANNA } from '../../support/smart-home';

describe("Google's security system guide, sample by sample", () => {
  for (const sample of GUIDE) {
    it(sample.name, async () => {
      const house = new House();
      for (const { settings, pin, reply } of sample.devices) house.device(settings, pin, reply);
      for (const { deviceId, payload } of sample.before ?? []) await house.home.take({ payload }, deviceId);
      for (const turn of sample.turns) {
        const answer = await house.post(turn.request, ANNA);
        turn.check(answer);
        assert.equal(house.told.length, turn.told, turn.name);
      }
      await house.home.close();
    });
  }
});
