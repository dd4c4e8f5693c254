import assert from 'node:assert/strict';
import { oneAtATime } from '../../../src/common/lookup';
import { turn } from '../../support/clock';

describe('names of clouds', () => {
  function held() {
    const asked: { name: string; answer: (address: string) => void; fail: (error: Error) => void }[] = [];
    const lookup = oneAtATime(
      (name) =>
        new Promise((resolve, reject) => {
          asked.push({ name, answer: (address) => resolve([{ address, family: 4 }]), fail: reject });
        }),
    );
    const found: string[] = [];
    const ask = (name: string): void =>
      lookup(name, {}, (error, address) => found.push(error?.message ?? JSON.stringify(address)));
    return { asked, found, ask };
  }

  it('are looked up one at a time, so that a gateway addressed by name does not wait behind them', async () => {
    const { asked, found, ask } = held();
    for (const name of ['oauth2.example', 'homegraph.example', 'sber.example']) ask(name);
    await turn();
    assert.deepEqual(
      asked.map(({ name }) => name),
      ['oauth2.example'],
    );
    asked[0]!.fail(new Error('EAI_AGAIN'));
    await turn();
    assert.equal(asked.length, 2);
    asked[1]!.answer('192.0.2.1');
    await turn();
    asked[2]!.answer('192.0.2.2');
    await turn();
    assert.deepEqual(found, ['EAI_AGAIN', '"192.0.2.1"', '"192.0.2.2"']);
  });

  it('are looked up once for all who ask for the same at a time, and anew afterwards', async () => {
    const { asked, found, ask } = held();
    for (let i = 0; i < 20; i++) ask('homegraph.example');
    await turn();
    asked[0]!.answer('192.0.2.1');
    await turn();
    assert.equal(found.length, 20);
    ask('homegraph.example');
    await turn();
    assert.equal(asked.length, 2);
  });
});
