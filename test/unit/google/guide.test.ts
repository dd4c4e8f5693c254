/** Every request and answer of Google's security system guide, in the guide's order. The same over HTTP: test/node. */
import assert from 'node:assert/strict';
import { GUIDE } from '../../support/google-guide';
import { heldAgainst } from '../../support/google-schemas';
import { House, ANNA } from '../../support/smart-home';

/** The published schemas that the guide's answers concern. */
const CONCERNED = [
  'intents/execute/execute.response.schema.json',
  'intents/query/query.response.schema.json',
  'intents/sync/sync.response.schema.json',
  'traits/armdisarm/armdisarm.attributes.schema.json',
  'traits/armdisarm/armdisarm.states.schema.json',
  'traits/statusreport/statusreport.states.schema.json',
];

describe("Google's security system guide, sample by sample", () => {
  for (const sample of GUIDE) {
    it(sample.name, async () => {
      const house = new House();
      for (const { settings, pin, reply } of sample.devices) house.device(settings, pin, reply);
      for (const { deviceId, payload } of sample.before ?? []) await house.home.receive({ payload }, deviceId);
      for (const turn of sample.turns) {
        const answer = await house.post(turn.request, ANNA);
        turn.check(answer);
        assert.equal(house.told.length, turn.told, turn.name);
      }
      await house.home.close();
    });
  }

  after('held against Google’s published schemas, where there is a checkout of them', () => {
    if (heldAgainst !== undefined) for (const file of CONCERNED) assert.ok(heldAgainst.has(file), `not found: ${file}`);
  });
});
