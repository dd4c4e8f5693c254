import assert from 'node:assert/strict';
import { parseAddress } from '../../../src/thekeys/gateway-address';
import { cleanCode, faultOfCode, sign } from '../../../src/thekeys/calls';
import * as wire from '../../../src/thekeys/wire';

describe('the signature', () => {
  // The first two are published by the openHAB binding, the others computed from the vendor's recipe and sample code.
  const vectors: [code: string, timestamp: number, hash: string][] = [
    ['sEcReT', 1647349435, 'jejmupCqAu5wOsraszmzcl3UyCi0hgsIdxWvfcvdzBg='],
    ['sEcReT', 1647350684, 'fcbTI/x8qKsN/nhLxjRE5toEO3tDK/F0ubQXHCsnf88='],
    ['Zmo1sps2OVyCFtl1', 1500000000, 'L/H/IMPKuFJ/Glne3fC7WhrdmYlJm3kJsk3cvAlICTc='],
    ['Zmo1sps2OVyCFtl1', 1647349435, 'zNGllLxFtedQ5rdfId+rJ3076qlYXm/3eWf1PA849+E='],
    ['Zmo1sps2OVyCFtl1', 1583452800, 'TEKm5qUnIH7DDDI/Kr2b832QxkW+uuEMHyPpVbfSV28='],
    ['Zmo1sps2OVyCFtl1', 1700000000, 's7VR2V5Q+jYmOmJM8CL0aOQri6PF5Hfw8euVJ93EAJI='],
    ['Zmo1sps2OVyCFtl1', 1700000001, 'uFLCzJOdVG8MDyn8mXi3UHvQWU0/ZRgBouLoFSvDsdI='],
    ['Zmo1sps2OVyCFtl1', 1735689600, 'JP9Yjogdez3uHHlte1G0WML+PHgRkzh2xgclMZ4eY/g='],
  ];
  for (const [code, timestamp, hash] of vectors) {
    it(`of ${timestamp} is as published`, () => assert.equal(sign(code, timestamp), hash));
  }

  it('takes a code as people copy it, and says what is wrong with one without quoting it', () => {
    assert.equal(cleanCode(' demo-code\n'), 'demo-code');
    assert.equal(faultOfCode(' demo-code\n'), undefined);
    assert.match(faultOfCode('  ') ?? '', /no share code/);
    for (const bad of ['démo', 'demo code', 'demo\u00a0code']) {
      assert.ok(faultOfCode(bad));
      assert.ok(!faultOfCode(bad)?.includes(bad));
    }
  });
});

describe('the battery', () => {
  // What the vendor's app showed beside the voltage (field measurements).
  for (const [millivolts, percent] of [
    [7783, 76],
    [7951, 87],
    [8030, 91],
    [8131, 95],
  ] as const) {
    it(`of ${millivolts} mV is ${percent} %, within 1`, () => {
      assert.ok(Math.abs((wire.batteryPercent(millivolts) ?? NaN) - percent) <= 1);
    });
  }
  it('is clamped, on both scales', () => {
    const readings = [2000, 2900, 3100, 3550, 4000, 4065, 4999, 5000, 6100, 6395, 8204, 8300, 9500];
    assert.deepEqual(readings.map(wire.batteryPercent), [0, 0, 0, 50, 100, 100, 100, 0, 0, 0, 100, 100, 100]);
  });
  it('is null where there is no voltage, or one that no battery of these locks has', () => {
    for (const nonsense of [0, 1, 255, 1999, 9501, 12_000, 65_535, -1, NaN, Infinity, null]) {
      assert.equal(wire.batteryPercent(nonsense), null);
    }
  });
});

describe('the address of a gateway', () => {
  it('is understood as people type it', () => {
    assert.equal(parseAddress('192.168.1.20').key, '192.168.1.20:80');
    assert.equal(parseAddress(' TheKeys.local ').key, 'thekeys.local:80');
    assert.equal(parseAddress('gateway.lan:8080').key, 'gateway.lan:8080');
    assert.equal(parseAddress('http://gateway.lan:8080/').base.href, 'http://gateway.lan:8080/');
    assert.equal(parseAddress('[::1]:8080').key, '[::1]:8080');
  });
  it('is one, however it is spelt', () => {
    const same = [
      'gateway.lan',
      'GATEWAY.lan:80',
      'http://gateway.lan/',
      'HTTP://Gateway.Lan:080',
      'gateway.lan.',
      'gateway.lan.:80',
    ];
    assert.deepEqual([...new Set(same.map((text) => parseAddress(text).key))], ['gateway.lan:80']);
    assert.equal(parseAddress('[0:0::1]').key, parseAddress('[::1]:80').key);
    assert.equal(parseAddress('127.0.0.1.').key, '127.0.0.1:80');
    assert.equal(parseAddress('gateway.lan.').base.hostname, 'gateway.lan.', 'looked up as it was typed');
  });
  it('may be IPv6 without brackets, and is one with the IPv4 address in it', () => {
    assert.equal(parseAddress('::1').key, '[::1]:80');
    assert.equal(parseAddress('http://fe80::1').base.href, 'http://[fe80::1]/');
    assert.equal(parseAddress('[::ffff:127.0.0.1]:8080').key, '127.0.0.1:8080');
  });
  it('is never read as another one than it looks', () => {
    for (const [typed, read] of [
      ['192.168.1.010', '192.168.1.8'],
      ['http://127.1:80/', '127.0.0.1'],
      ['0x7f.0.0.1:8080', '127.0.0.1'],
      ['3232235796', '192.168.1.20'],
    ] as const) {
      assert.throws(() => parseAddress(typed), { code: 'INVALID_INPUT', message: new RegExp(`read as ${read}$`) });
    }
  });
  it('says what is wrong with a variable beside other text, and with https', () => {
    assert.throws(() => parseAddress('${GW_IP}:8080'), /only where it is the whole field/);
    assert.throws(() => parseAddress('${GW_IP}'), /GW_IP\} is not set/);
    assert.throws(() => parseAddress('https://192.168.1.20'), /plain http only, not https/);
  });
  it('is refused, with advice, where it cannot be one', () => {
    for (const bad of ['', ' ', 'https://x', 'http://user:pw@x', 'x/path', 'x:99999', '${GATEWAY}', 'a b', 'ftp://x']) {
      assert.throws(() => parseAddress(bad), { code: 'INVALID_INPUT' }, bad);
    }
  });
});

describe('what gateways answer', () => {
  const outcome = (read: (body: string) => { kind: string; code?: string }, body: unknown): string => {
    const reply = read(typeof body === 'string' ? body : JSON.stringify(body));
    return reply.kind === 'refused' ? String(reply.code) : reply.kind;
  };

  it('means success as documented, as deployed, and halfway between', () => {
    for (const body of [
      { status: '0', code: 'ok' },
      { status: 0, code: 'ok' },
      { status: 'ok', code: 0 },
      { status: 'ok', code: '0' },
      { status: 'OK' },
      { code: 0 },
      { status: 'ok', code: null },
    ]) {
      assert.equal(outcome(wire.readCommand, body), 'ok', JSON.stringify(body));
    }
  });

  it('means no list where it says no, whatever else it holds', () => {
    assert.equal(outcome(wire.readLocks, { status: 'ko', code: 500, devices: [] }), 'GATEWAY_BUSY');
    assert.equal(outcome(wire.readLocks, { status: 'ok', devices: [] }), 'ok');
    assert.equal(outcome(wire.readLocks, { devices: [] }), 'ok');
  });

  it('means busy in each of its shapes', () => {
    for (const body of [
      { status: '500', message: 'busy' },
      { status: 500 },
      { status: 'ko', code: 500 },
      { status: 'ko', code: '500', cause: 'busy' },
      { status: 'ko', cause: 'Busy' },
      { status: 'ko', code: 400, cause: 'action already started' },
      { status: '400' },
    ]) {
      for (const read of [
        wire.readCommand,
        wire.readStatus,
        wire.readLocks,
        wire.readUpdate,
        wire.readLockSynchronize,
      ]) {
        assert.equal(outcome(read, body), 'GATEWAY_BUSY', JSON.stringify(body));
      }
    }
  });

  it('means a missing parameter where a 400 names one', () => {
    for (const body of [
      { status: '400', code: 'timestamp' },
      { status: 'ko', code: 400, cause: 'missing hash' },
      { status: 400, code: 'identifier' },
      { status: 'ko', code: 400, cause: 'ts' },
    ]) {
      assert.equal(outcome(wire.readCommand, body), 'MISSING_PARAMETER', JSON.stringify(body));
    }
  });

  it('means the documented refusals, whether in status or in code, as number or text', () => {
    const documented =
      'NOT_SHARED INVALID_HMAC LOCK_NOT_DETECTED LOCK_INCOMPATIBLE KEY_REFUSED LOCK_ERROR GATEWAY_CLOCK'.split(' ');
    const codes = [
      ...documented.map((code, index) => [String(32 + index), code] as const),
      ['99', 'LOCK_ERROR'] as const,
    ];
    for (const [number, code] of codes) {
      for (const body of [
        { status: 'ko', code: Number(number), cause: 'words' },
        { status: 'ko', code: number },
        { status: number },
        { status: Number(number), code: 'ok' },
        { status: 'ok', code: Number(number) },
      ]) {
        assert.equal(outcome(wire.readCommand, body), code, JSON.stringify(body));
        assert.equal(
          outcome((text) => wire.readLock(text, '1', ''), body),
          code,
          JSON.stringify(body),
        );
      }
    }
    assert.equal(outcome(wire.readCommand, { status: 'ko' }), 'LOCK_ERROR');
    assert.equal(outcome(wire.readCommand, { error: 'something' }), 'LOCK_ERROR');
  });

  it('means other things for synchronizations and updates', () => {
    assert.deepEqual(
      [1, 2, 3, 4].map((status) => outcome(wire.readLockSynchronize, { status })),
      ['LOCK_NOT_DETECTED', 'LOCK_INCOMPATIBLE', 'SYNC_DATA_INVALID', 'LOCK_ERROR'],
    );
    assert.deepEqual(
      ['1', '2'].map((status) => outcome(wire.readUpdate, { status })),
      ['FIRMWARE_INVALID', 'FIRMWARE_UNAVAILABLE'],
    );
  });

  it('may be nothing at all only where that was seen to mean success', () => {
    assert.equal(outcome(wire.readLockSynchronize, ''), 'ok');
    assert.equal(outcome(wire.readLockUpdate, ' \r\n'), 'ok');
    for (const read of [wire.readCommand, wire.readStatus, wire.readLocks, wire.readUpdate])
      assert.equal(outcome(read, ''), 'unusable');
  });

  it('is unusable where no gateway speaks so', () => {
    for (const body of ['<html>', '[]', 'null', '"ok"', '42', '{"half":', '{}', '{"hello":"world"}']) {
      for (const read of [
        wire.readCommand,
        wire.readStatus,
        wire.readLocks,
        wire.readUpdate,
        (text: string) => wire.readLock(text, '1', ''),
      ]) {
        assert.equal(outcome(read, body), 'unusable', body);
      }
    }
  });

  it('tells a state by its code, whatever the phrase', () => {
    const state = (body: object): unknown => {
      const reply = wire.readLock(JSON.stringify(body), '1', 'now');
      return reply.kind === 'ok' ? [reply.value.state, reply.value.code] : reply;
    };
    assert.deepEqual(state({ status: 'Door closed', code: 49 }), ['closed', 49]);
    assert.deepEqual(state({ status: 'Door open', code: '50' }), ['open', 50]);
    assert.deepEqual(state({ status: 'whatever', code: 48 }), ['unknown', 48]);
    assert.deepEqual(state({ status: 49 }), ['closed', 49]);
  });

  it('gives numbers as numbers, from strings too, and null for what is missing', () => {
    const body = { status: 'Door closed', code: '49', id: 1, version: '59', position: 4, rssi: '-70', battery: '7044' };
    const reply = wire.readLock(JSON.stringify(body), '45961123', '2026-01-01T00:00:00.000Z');
    assert.deepEqual(reply.kind === 'ok' && reply.value, {
      identifier: '45961123',
      state: 'closed',
      code: 49,
      batteryMillivolts: 7044,
      batteryPercent: 35,
      rssi: -70,
      position: 4,
      version: 59,
      at: '2026-01-01T00:00:00.000Z',
    });
    const bare = wire.readLock('{"status":"Door open","code":50}', '1', '');
    assert.equal(bare.kind === 'ok' && bare.value.batteryMillivolts, null);
  });

  it('lists locks with and without a log counter, and skips what is no lock', () => {
    const reply = wire.readLocks(
      JSON.stringify({
        status: 'ok',
        devices: [
          { identifier: 45961123, rssi: -71, battery: 4065 },
          { identifier: '7', rssi: '-60', battery: null, last_log: '12' },
          null,
          { rssi: -1 },
        ],
      }),
    );
    assert.deepEqual(reply.kind === 'ok' && reply.value, [
      { identifier: '45961123', rssi: -71, batteryMillivolts: 4065, batteryPercent: 100 },
      { identifier: '7', rssi: -60, batteryMillivolts: null, batteryPercent: null, lastLog: 12 },
    ]);
  });

  it('lists locks of an object with numbered keys, and none of null', () => {
    const list = (devices: unknown, more: object = {}): unknown => {
      const reply = wire.readLocks(JSON.stringify({ devices, ...more }));
      return reply.kind === 'ok' ? reply.value.map(({ identifier }) => identifier) : reply.kind;
    };
    assert.deepEqual(list({ 0: { identifier: 1 }, 1: { identifier: '0002' } }), ['1', '2']);
    assert.deepEqual(list({}), []);
    assert.deepEqual(list(null), []);
    assert.equal(list(null, { status: 'ko', code: 500 }), 'refused');
    assert.equal(list({ lock: { identifier: 1 } }), 'unusable');
  });

  it('is read though control characters are in its texts, or behind it', () => {
    assert.equal(outcome(wire.readCommand, '{"status":"ok","code":0}\0'), 'ok');
    assert.equal(outcome(wire.readCommand, '\uFEFF{"status":"ok",\n"code":0}\0\0\r\n'), 'ok');
    assert.equal(outcome(wire.readCommand, '{"status":"ko","code":33,"cause":"bad\u0001\thmac"}'), 'INVALID_HMAC');
  });

  it('shows no control or direction marks of a gateway', () => {
    const cause = 'bad\n[info] forged\u001b]0;title\u0007\u202e';
    const reply = wire.readCommand(JSON.stringify({ status: 'ko', code: 37, cause }));
    assert.equal(reply.kind === 'refused' && reply.detail, 'bad [info] forged ]0;title');
    const status = wire.readStatus(JSON.stringify({ current_status: 'Scan\u001b[2Jning\r' }));
    assert.equal(status.kind === 'ok' && status.value.currentStatus, 'Scan [2Jning');
  });

  it('names a lock by digits without leading zeros', () => {
    assert.deepEqual(['0045961123', 45961123, ' 45961123 ', '0', '000', '007a'].map(wire.plainIdentifier), [
      '45961123',
      '45961123',
      '45961123',
      '0',
      '0',
      '007a',
    ]);
    for (const none of ['', ' ', null, undefined, 1.5, -1, {}, true])
      assert.equal(wire.plainIdentifier(none), undefined);
  });

  it('has a status without the key of that name', () => {
    const status = (currentStatus: string): unknown =>
      wire.readStatus(JSON.stringify({ version: '65', current_status: currentStatus }));
    assert.deepEqual(status('Scanning...'), {
      kind: 'ok',
      value: { version: 65, currentStatus: 'Scanning...', synchronizing: false },
    });
    assert.deepEqual(status('Synchronizing gw'), {
      kind: 'ok',
      value: { version: 65, currentStatus: 'Synchronizing gw', synchronizing: true },
    });
  });
});
