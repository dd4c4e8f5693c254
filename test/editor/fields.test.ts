/** What may stand in a field, held against what the runtime takes: a red triangle must neither come nor stay away without a reason. */
import assert from 'node:assert/strict';
import { parseAddress } from '../../src/thekeys/gateway-address';
import { accountSettings } from '../../src/sber/endpoint';
import { isVariable, offer, rules } from '../../editor/rules';

const isTaken = (use: () => unknown): boolean => {
  try {
    use();
    return true;
  } catch {
    return false;
  }
};

describe('the fields of the dialogs', () => {
  it('take the address of a gateway that the runtime takes, and no other', () => {
    const fine = [
      'thekeys.local',
      '192.168.1.20',
      '192.168.1.20:8080',
      'http://gateway.lan/',
      '[fe80::1]:80',
      '::1',
      'HTTP://A',
    ];
    const wrong = ['', 'a b', '192.168.1.300', 'gateway:99999', 'https://a', 'a/b', 'me@a', 'a?b', '%', '<b>', 'a\\b'];
    for (const [addresses, expected] of [[fine, true] as const, [wrong, false] as const]) {
      for (const address of addresses) {
        assert.equal(
          isTaken(() => parseAddress(address)),
          expected,
          `the runtime: ${address}`,
        );
        assert.equal(rules.host(address), expected, `the editor: ${address}`);
      }
    }
  });

  it("take an address of Sber's that the runtime takes, and no other", () => {
    const fine = [
      '',
      'https://partners.example',
      'https://partners.example/v1',
      'http://127.0.0.1:8080',
      'http://[::1]:1',
    ];
    const wrong = [
      'http://partners.example',
      'https://me@partners.example',
      'https://a/?key=1',
      'https://a#b',
      'https://a b',
    ];
    for (const [addresses, expected] of [[fine, true] as const, [wrong, false] as const]) {
      for (const endpoint of addresses) {
        assert.equal(
          isTaken(() => accountSettings({ endpoint, token: 'demo' })),
          expected,
          `the runtime: ${endpoint}`,
        );
        assert.equal(rules.endpoint(endpoint), expected, `the editor: ${endpoint}`);
      }
    }
  });

  it('know a variable as Node-RED does: alone', () => {
    for (const value of ['${HOST}', '${MY.HOST}']) assert.equal(isVariable(value), true, value);
    for (const value of ['http://${HOST}', '${HOST}:80', ' ${HOST}', '${}', '${', '$HOST', '', undefined, null, 5]) {
      assert.equal(isVariable(value), false, String(value));
    }
  });

  it('offer first what was typed, because Enter and Tab take the first', () => {
    const found = [
      { value: 'door-2', label: 'Back door (door-2)' },
      { value: 'door', label: 'Front door (door)' },
    ];
    const values = (typed: string): string =>
      offer(typed, found, 'the one asked for')
        .map(({ value }) => value)
        .join();
    assert.equal(values('door'), 'door,door-2');
    assert.equal(values('doo'), 'doo,door-2,door');
    assert.equal(offer('', found, 'the one asked for')[0]?.label, 'the one asked for');
    assert.equal(offer('x', [], '').length, 0);
  });
});
