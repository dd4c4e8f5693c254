import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import { parseAddress } from '../../../src/thekeys/gateway-address';
import { lookupMulticast, type Lookup } from '../../../src/thekeys/names';
import { findGateways, requireLocal, type Nearby } from '../../../src/thekeys/nearby';
import { HandClock } from '../../support/clock';

const NAMES: Record<string, string[]> = {
  'thekeys.local': ['fd00::20', '192.168.1.20'],
  'thekeys.lan': ['192.168.1.20'],
  thekeys: ['192.168.1.30'],
  'thekeys.example': ['93.184.216.34'],
  'mixed.example': ['192.168.1.20', '93.184.216.34'],
};
const known: Lookup = (host) =>
  NAMES[host] === undefined ? Promise.reject(new Error('ENOTFOUND')) : Promise.resolve(NAMES[host]);
const silent: Lookup = () => new Promise(() => undefined);

describe('a gateway near this machine', () => {
  let clock: HandClock;
  let looked: string[];
  let signals: AbortSignal[];
  const lookup: Lookup = (host, signal) => {
    looked.push(host);
    signals.push(signal);
    return host.startsWith('silent') ? silent(host, signal) : known(host, signal);
  };
  beforeEach(() => {
    clock = new HandClock();
    looked = [];
    signals = [];
  });

  it('is asked only where every address of its name is local, and then at the address that was checked', async () => {
    const at = async (host: string): Promise<string> => (await requireLocal(parseAddress(host), { lookup, clock })).key;
    assert.equal(await at('thekeys.local:8080'), '192.168.1.20:8080');
    assert.deepEqual(looked, ['thekeys.local'], 'looked up once');
    assert.ok(signals[0]?.aborted, 'what else was asked is let go');
    assert.equal(await at('[fd00::2]'), '[fd00::2]:80');
    for (const host of ['8.8.8.8', 'thekeys.example', 'mixed.example']) {
      await assert.rejects(at(host), { code: 'NOT_LOCAL' }, host);
    }
    await assert.rejects(at('nowhere.local'), { code: 'GATEWAY_UNREACHABLE' });
  });

  it('whose name gets no answer is not known after 2 s', async () => {
    const checked = requireLocal(parseAddress('silent.lan'), { lookup, clock });
    const refused = assert.rejects(checked, { code: 'GATEWAY_UNREACHABLE' });
    await clock.advance(2000);
    await refused;
    assert.equal(clock.waiting, 0);
  });

  it('is found by its names, once, if it answers like a gateway', async () => {
    const asked: string[] = [];
    const found = await findGateways(Object.keys(NAMES).concat('nowhere.local'), {
      lookup,
      clock,
      ask: ({ key }) => {
        asked.push(key);
        return key === '192.168.1.30:80' ? Promise.reject(new Error('a printer')) : Promise.resolve(65);
      },
    });
    assert.deepEqual(found, [{ host: 'thekeys.local', version: 65 }]);
    assert.deepEqual(asked, ['192.168.1.20:80', '192.168.1.30:80'], 'nothing outside the local network is asked');
  });

  it('known by its address is asked at once where the DNS server is silent, and all is over after 2 s', async () => {
    const asked: string[] = [];
    let found: Nearby[] | undefined;
    const finding = findGateways(['silent.one', 'silent.two', '192.168.1.40:8080', 'silent.three'], {
      lookup,
      clock,
      ask: ({ key }) => {
        asked.push(key);
        return Promise.resolve(null);
      },
    }).then((all) => (found = all));
    await clock.advance(0);
    assert.deepEqual(asked, ['192.168.1.40:8080']);
    assert.equal(looked.length, 3, 'side by side');
    await clock.advance(2000);
    await finding;
    assert.deepEqual(found, [{ host: '192.168.1.40:8080', version: null }]);
  });

  describe('with a name that only the network itself knows', () => {
    class Multicast extends EventEmitter {
      questions: string[] = [];
      destroyed = false;
      query(questions: { name: string; type: string }[]): void {
        this.questions.push(...questions.map(({ name, type }) => `${type} ${name}`));
      }
      destroy(): void {
        this.destroyed = true;
      }
    }
    const answer = (name: string, data: string, type = 'A'): object => ({ name, type, data });

    it('is found by what answers to that name, and to no other', async () => {
      const socket = new Multicast();
      const found = lookupMulticast('thekeys.local', new AbortController().signal, socket);
      assert.deepEqual(socket.questions, ['A thekeys.local', 'AAAA thekeys.local']);
      socket.emit('response', { answers: [answer('printer.local', '192.168.1.9')], additionals: [] });
      socket.emit('warning', new Error('ENETUNREACH'));
      const additionals = [answer('TheKeys.local', '192.168.1.20'), answer('thekeys.local', 'x', 'TXT')];
      socket.emit('response', { answers: [], additionals });
      assert.deepEqual(await found, ['192.168.1.20']);
      assert.ok(socket.destroyed);
    });

    it('leaves no socket behind when there is no answer', async () => {
      const socket = new Multicast();
      const gone = new AbortController();
      const found = lookupMulticast('thekeys.local', gone.signal, socket);
      gone.abort(new Error('late'));
      await assert.rejects(found, /late/);
      assert.ok(socket.destroyed);
    });
  });
});
