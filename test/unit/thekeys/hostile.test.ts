/** Whatever a gateway, a message or a damaged file holds: a value of the right form or an error of the contract. */
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import fc from 'fast-check';
import { systemClock } from '../../../src/common/clock';
import { CodedError } from '../../../src/common/errors';
import { FileState } from '../../../src/state/file';
import { silent } from '../../../src/common/log';
import { MemoryState } from '../../../src/state/local';
import { StateError, type Json } from '../../../src/state/state';
import { parseAddress } from '../../../src/thekeys/gateway-address';
import * as wire from '../../../src/thekeys/wire';
import type { Reply } from '../../../src/thekeys/wire';
import { readGatewayCommand, readLockCommand } from '../../../src/thekeys/commands';
import { GATEWAY_ERROR_CODES } from '../../../src/thekeys/gateway-errors';
import { Gateway } from '../../../src/thekeys/gateway';
import { Timestamps } from '../../../src/thekeys/timestamps';
import { HandClock } from '../../support/clock';

const RUNS = 500;

/** Bodies near to what gateways send, so that the fuzzing gets past the first look. */
const word = fc.constantFrom('ok', 'ko', 'OK', '0', '33', '49', '50', '500', '400', 'Door open', 'timestamp', 'busy');
const field = fc.oneof(word, fc.integer(), fc.double(), fc.jsonValue());
const nearBody = fc
  .record(
    {
      status: field,
      code: field,
      cause: field,
      message: field,
      error: field,
      battery: field,
      rssi: field,
      version: field,
      current_status: field,
      devices: fc.oneof(
        field,
        fc.array(
          fc.oneof(
            field,
            fc.record({ identifier: field, rssi: field, battery: field, last_log: field }, { requiredKeys: [] }),
          ),
        ),
      ),
    },
    { requiredKeys: [] },
  )
  .map((body) => JSON.stringify(body));
const body = fc.oneof(nearBody, fc.json(), fc.string(), fc.string({ unit: 'binary' }));

const READERS: Record<string, (text: string) => Reply<unknown>> = {
  readCommand: wire.readCommand,
  readLocks: wire.readLocks,
  readLockSynchronize: wire.readLockSynchronize,
  readLockUpdate: wire.readLockUpdate,
  readStatus: wire.readStatus,
  readUpdate: wire.readUpdate,
  readLock: (text) => wire.readLock(text, '1', 'now'),
};

describe('hostile input', () => {
  for (const [name, read] of Object.entries(READERS)) {
    it(`${name} makes a reply of anything`, () => {
      fc.assert(
        fc.property(body, (text) => {
          const reply = read(text);
          assert.ok(['ok', 'refused', 'unusable'].includes(reply.kind));
          if (reply.kind === 'refused') assert.ok(GATEWAY_ERROR_CODES.includes(reply.code));
        }),
        { numRuns: RUNS },
      );
    });
  }

  it('a list never holds anything but locks, with numbers or null', () => {
    fc.assert(
      fc.property(nearBody, (text) => {
        const reply = wire.readLocks(text);
        if (reply.kind !== 'ok') return;
        for (const { identifier, rssi, batteryMillivolts, batteryPercent } of reply.value) {
          assert.ok(typeof identifier === 'string' && identifier !== '');
          for (const value of [rssi, batteryMillivolts, batteryPercent])
            assert.ok(value === null || Number.isFinite(value));
          assert.ok(batteryPercent === null || (batteryPercent >= 0 && batteryPercent <= 100));
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('a gateway that answers anything gives a value or an error of the contract, and the code stays secret', async () => {
    const secret = 'demo-code-that-is-secret';
    await fc.assert(
      fc.asyncProperty(body, fc.constantFrom(200, 302, 400, 404, 500, 503), async (text, status) => {
        const clock = new HandClock();
        const gateway = new Gateway({
          address: parseAddress('gateway.test'),
          state: new MemoryState(),
          log: silent,
          clock,
          exchange: async ({ body: form }) => {
            await Promise.resolve();
            const fields = form();
            // As a hostile gateway would: it quotes what it was sent.
            return { status, headers: {}, body: text.replaceAll('timestamp', fields.slice(1, 40)) };
          },
        });
        const options = { deadlineMs: 4000, timeoutMs: 1000, confirm: true };
        const share = { identifier: '1', code: secret };
        const commands = [
          gateway.open(share, options),
          gateway.toggle(share, options),
          gateway.lockStatus(share, options),
          gateway.list(options),
          gateway.status(options),
        ].map((command) =>
          command.then(
            (value) => assert.ok(!JSON.stringify(value).includes(secret)),
            (error: unknown) => {
              assert.ok(error instanceof CodedError, String(error));
              assert.ok((GATEWAY_ERROR_CODES as string[]).includes(String(error.code)));
              assert.ok(!JSON.stringify([error.message, error.cause]).includes(secret));
            },
          ),
        );
        await clock.advance(70_000);
        await Promise.all(commands);
      }),
      { numRuns: 150 },
    );
  });

  it('no message but a word that says so ever becomes an action', () => {
    const said = /^\s*(open|close|unlock|lock|toggle|calibrate)\s*$/i;
    fc.assert(
      fc.property(
        fc.oneof(fc.anything(), fc.record({ action: fc.anything(), identifier: fc.anything() })),
        (payload) => {
          try {
            const { action, identifier } = readLockCommand('message', { payload }, { node: '1', gateway: '' });
            const spoken = typeof payload === 'string' ? payload : (payload as { action: unknown }).action;
            assert.ok(typeof spoken === 'string' && said.test(spoken), String(spoken));
            assert.ok(['open', 'close', 'toggle', 'calibrate'].includes(action));
            assert.ok(typeof identifier === 'string' && identifier !== '');
          } catch (error) {
            if (error instanceof assert.AssertionError) throw error;
            assert.ok(error instanceof CodedError && error.code === 'INVALID_INPUT', String(error));
          }
        },
      ),
      { numRuns: RUNS * 2 },
    );
  });

  it('no message ends a gateway operation otherwise than in a command or INVALID_INPUT', () => {
    fc.assert(
      fc.property(fc.anything(), fc.anything(), fc.anything(), (operation, payload, identifier) => {
        try {
          readGatewayCommand(operation, { payload, identifier }, { node: identifier, gateway: '' });
        } catch (error) {
          assert.ok(error instanceof CodedError && error.code === 'INVALID_INPUT', String(error));
        }
      }),
      { numRuns: RUNS * 2 },
    );
  });

  it('any address is one, or INVALID_INPUT', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.webUrl(), fc.domain()), (text) => {
        try {
          assert.match(parseAddress(text).key, /:\d+$/);
        } catch (error) {
          assert.ok(error instanceof CodedError && error.code === 'INVALID_INPUT', String(error));
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('any state file is a value, or is set aside; timestamps start either way', async () => {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'hostile-'));
    try {
      await fc.assert(
        fc.asyncProperty(
          fc.oneof(
            fc.uint8Array(),
            fc.json().map((text) => Buffer.from(text)),
          ),
          async (bytes) => {
            const file = path.join(folder, 'ts.json');
            await rm(file, { force: true });
            await writeFile(file, bytes);
            const state = new FileState({ folder, log: silent });
            await state.get('ts').catch((error: unknown) => assert.ok(error instanceof StateError));
            const timestamps = new Timestamps({ state, key: 'ts', clock: systemClock, log: silent });
            await timestamps.reserve();
            const first = timestamps.next();
            assert.ok(Number.isSafeInteger(first) && first > 1_600_000_000, String(first));
            await timestamps.reserve();
            assert.ok(timestamps.next() > first);
            await state.close();
          },
        ),
        { numRuns: 100 },
      );
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  const theGreatest = fc.nat(100).map((less) => Number.MAX_SAFE_INTEGER - less);

  it('any value kept for timestamps leads to one that a gateway can take', async () => {
    await fc.assert(
      fc.asyncProperty(fc.oneof(fc.jsonValue(), fc.maxSafeInteger(), theGreatest), async (kept) => {
        const state = new MemoryState();
        await state.change('ts', () => ({ value: kept as Json, result: undefined }));
        const timestamps = new Timestamps({ state, key: 'ts', clock: new HandClock(), log: silent });
        await timestamps.reserve();
        assert.ok(Number.isSafeInteger(timestamps.next()), JSON.stringify(kept));
      }),
      { numRuns: RUNS },
    );
  });
});
