/**
 * The samples of Google's security system guide as data: the devices, what is asked, and what has to be in the answer.
 * Where the guide contradicts itself (an answer for another device than was asked, states without `online`) the parts that
 * carry meaning are held on to.
 */
import assert from 'node:assert/strict';
import type { JsonObject } from '../../src/google/types';
import { level, type Reply } from './smart-home';

export interface Turn {
  name: string;
  request: JsonObject;
  check: (answer: JsonObject) => void;
  /** Messages that the flow has got after this turn. */
  told: number;
}

export interface Sample {
  name: string;
  devices: { settings: JsonObject; pin: string; reply: Reply }[];
  before?: { deviceId: string; payload: JsonObject }[];
  turns: Turn[];
}

const UUID = 'ff36a3cc-ec34-11e6-b1a0-64510650abcf';

const HOME = ['Home and Guarding', 'level 1', 'home', 'SL1'];
const AWAY = ['Away and Guarding', 'level 2', 'away', 'SL2'];

const panel = (settings: JsonObject, reply: Reply, pin = ''): Sample['devices'][number] => ({
  settings: { deviceId: '123', deviceName: 'Simple security system', deviceType: 'SECURITYSYSTEM', ...settings },
  pin,
  reply,
});

/** The panel of the guide's SYNC sample. */
const simple = panel({ levels: [level('home_key', ...HOME), level('away_key', ...AWAY)] }, ({ payload }) => ({
  isArmed: payload.action === 'arm',
}));

const request = (requestId: string, intent: string, payload?: JsonObject): JsonObject => ({
  requestId,
  inputs: [{ intent: `action.devices.${intent}`, ...(payload && { payload }) }],
});

const arming = (requestId: string, params: JsonObject, challenge?: JsonObject): JsonObject =>
  request(requestId, 'EXECUTE', {
    commands: [
      {
        devices: [{ id: '123' }],
        execution: [{ command: 'action.devices.commands.ArmDisarm', params, ...(challenge && { challenge }) }],
      },
    ],
  });

/** The answer has all of this; objects may have more, lists may not. */
export function has(actual: unknown, expected: unknown, where = 'answer'): void {
  if (Array.isArray(expected)) {
    assert.ok(Array.isArray(actual) && actual.length === expected.length, `${where}: ${JSON.stringify(actual)}`);
    expected.forEach((item, index) => has(actual[index], item, `${where}[${index}]`));
  } else if (typeof expected === 'object' && expected !== null) {
    assert.ok(typeof actual === 'object' && actual !== null, `${where}: ${JSON.stringify(actual)}`);
    for (const [name, value] of Object.entries(expected)) {
      has((actual as Record<string, unknown>)[name], value, `${where}.${name}`);
    }
  } else {
    assert.deepEqual(actual, expected, where);
  }
}

const answered = (requestId: string, payload: object) => (answer: JsonObject) => has(answer, { requestId, payload });
const executed = (requestId: string, result: object) =>
  answered(requestId, { commands: [{ ids: ['123'], ...result }] });

/** The answer is this, and nothing more. */
const exactly = (requestId: string, status: string, states: JsonObject) => (answer: unknown) =>
  assert.deepEqual(answer, { requestId, payload: { commands: [{ ids: ['123'], status, states }] } });

const entry = (blocking: boolean, statusCode: string, deviceTarget: string, priority = 0): JsonObject => ({
  blocking,
  priority,
  statusCode,
  deviceTarget,
});

export const GUIDE: Sample[] = [
  {
    name: 'SYNC of the simple security system',
    devices: [simple],
    turns: [
      {
        name: 'SYNC',
        request: request('6894439706274654512', 'SYNC'),
        told: 0,
        check: answered('6894439706274654512', {
          devices: [
            {
              id: '123',
              type: 'action.devices.types.SECURITYSYSTEM',
              traits: ['action.devices.traits.StatusReport', 'action.devices.traits.ArmDisarm'],
              name: { name: 'Simple security system' },
              willReportState: true,
              attributes: {
                availableArmLevels: {
                  levels: [
                    { level_name: 'home_key', level_values: [{ level_synonym: HOME, lang: 'en' }] },
                    { level_name: 'away_key', level_values: [{ level_synonym: AWAY, lang: 'en' }] },
                  ],
                  ordered: true,
                },
              },
            },
          ],
        }),
      },
    ],
  },
  {
    name: 'QUERY: armed at home, with a low battery',
    devices: [simple],
    before: [
      {
        deviceId: '123',
        payload: {
          isArmed: true,
          currentArmLevel: 'home_key',
          currentStatusReport: [entry(false, 'lowBattery', '123')],
        },
      },
    ],
    turns: [
      {
        name: 'QUERY',
        request: request('6894439706274654514', 'QUERY', { devices: [{ id: '123' }] }),
        told: 0,
        check: (answer) =>
          assert.deepEqual(answer, {
            requestId: '6894439706274654514',
            payload: {
              devices: {
                '123': {
                  status: 'SUCCESS',
                  online: true,
                  isArmed: true,
                  currentArmLevel: 'home_key',
                  currentStatusReport: [entry(false, 'lowBattery', '123')],
                },
              },
            },
          }),
      },
    ],
  },
  {
    name: 'EXECUTE ArmDisarm: away',
    devices: [simple],
    turns: [
      {
        name: 'EXECUTE',
        request: arming('6894439706274654516', { arm: true, armLevel: 'away_key' }),
        told: 1,
        check: exactly('6894439706274654516', 'SUCCESS', { online: true, isArmed: true, currentArmLevel: 'away_key' }),
      },
    ],
  },
  ...(['of the flow', 'by the setting'] as const).map((who): Sample => ({
    name: `a non-blocking exception, ${who}: armed although the window is open`,
    devices: [
      panel({ levels: [level('L1'), level('L2')], onOpenSensors: who === 'of the flow' ? 'flow' : 'allow' }, () =>
        who === 'of the flow'
          ? { isArmed: true, exceptions: [entry(false, 'windowOpen', 'sensor_id1')] }
          : { isArmed: true },
      ),
    ],
    before: [{ deviceId: '123', payload: { currentStatusReport: [entry(true, 'windowOpen', 'sensor_id1')] } }],
    turns: [
      {
        name: 'EXECUTE',
        request: arming(UUID, { arm: true, armLevel: 'L2' }),
        told: 1,
        check: exactly(UUID, 'SUCCESS', {
          online: true,
          isArmed: true,
          currentArmLevel: 'L2',
          currentStatusReport: [entry(false, 'windowOpen', 'sensor_id1')],
        }),
      },
    ],
  })),
  ...(['of the flow', 'by the setting'] as const).map((who): Sample => ({
    name: `a blocking exception, ${who}: not armed because the window is open`,
    devices: [
      panel({ levels: [level('L1'), level('L2')], onOpenSensors: who === 'of the flow' ? 'flow' : 'refuse' }, () => ({
        isArmed: false,
        exceptions: [entry(true, 'windowOpen', 'sensor_id1')],
      })),
    ],
    before: [{ deviceId: '123', payload: { currentStatusReport: [entry(false, 'windowOpen', 'sensor_id1')] } }],
    turns: [
      {
        name: 'EXECUTE',
        request: arming(UUID, { arm: true, armLevel: 'L2' }),
        told: who === 'of the flow' ? 1 : 0,
        check: exactly(UUID, 'EXCEPTIONS', {
          online: true,
          isArmed: false,
          currentArmLevel: 'L2',
          currentStatusReport: [entry(true, 'windowOpen', 'sensor_id1')],
        }),
      },
    ],
  })),
  ...(['of the flow', 'by the setting'] as const).map((who): Sample => ({
    name: `acknowledgement, ${who}: the front door is open, arm nevertheless`,
    devices: [
      panel(
        {
          levels: [level('L1'), level('L2')],
          defaultLevel: 'L2',
          onOpenSensors: who === 'of the flow' ? 'flow' : 'ask',
        },
        ({ payload }) =>
          who === 'of the flow' && payload.acknowledged !== true
            ? {
                challenge: 'ackNeeded',
                isArmed: true,
                currentArmLevel: 'L2',
                currentStatusReport: [entry(false, 'doorOpen', '456')],
              }
            : { isArmed: true },
      ),
    ],
    before: [{ deviceId: '123', payload: { currentStatusReport: [entry(true, 'doorOpen', '456')] } }],
    turns: [
      {
        name: 'turn 1: asked',
        request: arming(UUID, { arm: true }),
        told: who === 'of the flow' ? 1 : 0,
        check: executed(UUID, {
          status: 'ERROR',
          errorCode: 'challengeNeeded',
          challengeNeeded: { type: 'ackNeeded' },
          states: { isArmed: true, currentArmLevel: 'L2', currentStatusReport: [entry(false, 'doorOpen', '456')] },
        }),
      },
      {
        name: 'turn 2: yes',
        request: arming(UUID, { arm: true }, { ack: true }),
        told: who === 'of the flow' ? 2 : 1,
        check: (answer) => {
          executed(UUID, { status: 'SUCCESS', states: { isArmed: true } })(answer);
          assert.ok(!JSON.stringify(answer).includes('currentStatusReport'), 'heard already');
        },
      },
    ],
  })),
  {
    name: 'PIN, then acknowledgement: both windows are open, arm nevertheless',
    devices: [
      panel(
        { levels: [level('home'), level('away')], pinFor: 'always' },
        ({ payload }) =>
          payload.acknowledged === true
            ? { isArmed: true }
            : {
                challenge: 'ackNeeded',
                targetArmLevel: 'away',
                currentStatusReport: [
                  entry(true, 'deviceOpen', 'front_window_id', 1),
                  entry(true, 'deviceOpen', 'back_window_id', 1),
                ],
              },
        '1234',
      ),
    ],
    turns: [
      {
        name: 'turn 1: the PIN is asked',
        request: arming(UUID, { arm: true }),
        told: 0,
        check: executed(UUID, {
          status: 'ERROR',
          errorCode: 'challengeNeeded',
          challengeNeeded: { type: 'pinNeeded' },
        }),
      },
      {
        name: 'turn 2: the PIN is given, the acknowledgement asked',
        request: arming(UUID, { arm: true, armLevel: 'away' }, { pin: '1234' }),
        told: 1,
        check: (answer) =>
          assert.deepEqual(answer.payload, {
            commands: [
              {
                ids: ['123'],
                status: 'ERROR',
                states: {
                  targetArmLevel: 'away',
                  currentStatusReport: [
                    entry(true, 'deviceOpen', 'front_window_id', 1),
                    entry(true, 'deviceOpen', 'back_window_id', 1),
                  ],
                },
                errorCode: 'challengeNeeded',
                challengeNeeded: { type: 'ackNeeded' },
              },
            ],
          }),
      },
      {
        name: 'turn 3: yes, without the PIN',
        request: arming(UUID, { arm: true, armLevel: 'away' }, { ack: true }),
        told: 2,
        check: executed(UUID, { status: 'SUCCESS', states: { isArmed: true, currentArmLevel: 'away' } }),
      },
    ],
  },
];
