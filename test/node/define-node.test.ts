/** What every node does alike: settings at deploy, values from the message, errors in words for people. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { closedError, forFlow } from '../../nodes/shared/errors';
import { CodedError, invalidInput } from '../../src/common/errors';
import { gatewayError } from '../../src/thekeys/gateway-errors';
import { BACK, FRONT, LockFlow, type FlowItem } from '../support/lock-flow';

/** Why a command failed, where that is more than its code says. */
const WHYS = ['gatewaySynchronizing', 'clocksApart', 'clockRefused', 'otherOwner', 'sharedStateLost', 'closed'];

function catalogue(language: string): { error: Record<string, string> } {
  const file = path.join(__dirname, `../../nodes/locales/${language}/gateway-config.json`);
  return (JSON.parse(readFileSync(file, 'utf8')) as Record<string, { error: Record<string, string> }>)[
    'gateway-config'
  ]!;
}

describe('an error as people read it', () => {
  const french = (key: string): string | undefined =>
    key === 'error.GATEWAY_BUSY' ? 'La passerelle est occupée. Réessayez dans une minute.' : undefined;

  it('begins with what to do, in the language of Node-RED, and ends with the English detail', () => {
    const error = forFlow(gatewayError('GATEWAY_BUSY', { gatewayCode: 500 }), french);
    assert.equal(
      String(error),
      'GATEWAY_BUSY: La passerelle est occupée. Réessayez dans une minute. (the gateway was busy until the deadline)',
    );
    assert.deepEqual([error.code, error.cause.gatewayCode, error.cause.retriable], ['GATEWAY_BUSY', 500, true]);
  });

  it('is English where the catalogue has no words for it', () => {
    assert.match(
      String(forFlow(closedError(), french)),
      /^EXPIRED: The flow was redeployed or stopped\. .*not sent\)$/,
    );
    const input = forFlow(invalidInput('msg.payload is true', 'Send "open".'), () => 'Something is not in order.');
    assert.equal(String(input), 'INVALID_INPUT: msg.payload is true. Send "open".');
  });

  it('says why it was this time, where that is known, rather than what the code means in general', () => {
    const LANGUAGES = ['en-US', 'fr', 'ru', 'pl'];
    for (const badge of WHYS) {
      for (const language of LANGUAGES) {
        const { error: words } = catalogue(language);
        const error = gatewayError('GATEWAY_CLOCK', { message: 'the detail', badge });
        const { message } = forFlow(error, (key) => words[key.replace('error.', '')]);
        assert.equal(message, `${words[badge]} (the detail)`, `${badge} in ${language}`);
      }
    }
  });

  it('has no stack', () => {
    const error = forFlow(new CodedError('EXPIRED', 'too late', { retriable: true, hint: 'Again.' }), french);
    assert.equal(error.stack, undefined);
  });
});

describe('a node', () => {
  const flow = new LockFlow();
  const action = (more: Record<string, unknown> = {}): FlowItem => ({
    id: 'lock',
    type: 'lock-action',
    gateway: 'gw',
    action: 'open',
    confirm: false,
    wires: [['out']],
    ...more,
  });
  beforeEach(() => flow.begin());
  afterEach(() => flow.end());

  it('shows at deploy what is wrong with its settings, before any message', async () => {
    await flow.load(flow.whole(flow.gateway(), action({ deadline: 'soon' })));
    const { error } = await flow.next('caught');
    assert.equal(error?.code, 'INVALID_INPUT');
    assert.match(error.message, /deadline/);
    assert.deepEqual(flow.badgesOf('lock'), ['check settings']);
    flow.send('lock', { payload: 'open' });
    await flow.next('caught', 2);
    assert.deepEqual(flow.world.journal.requests, []);
  });

  it('says that the configuration it has is disabled, rather than that none is chosen', async () => {
    await flow.load(flow.whole(action()));
    const { error } = await flow.next('caught');
    assert.match(error!.message, /disabled or was removed/);
    assert.equal(flow.badgesOf('lock').at(-1), 'gateway disabled');
  });

  it('takes its lock and its deadline from where the dialog says: the message, the flow, JSONata', async () => {
    const dynamic = { identifier: 'door.lock', identifierType: 'msg', deadline: '2 * 10', deadlineType: 'jsonata' };
    await flow.load(
      flow.whole(flow.gateway(), flow.gateway({ id: 'gw2', identifier: BACK.identifier }), action(dynamic)),
      { gw: { code: FRONT.code }, gw2: { code: BACK.code } },
    );
    flow.send('lock', { door: { lock: Number(BACK.identifier) } });
    const { payload } = await flow.next('out');
    assert.equal((payload as { identifier: string }).identifier, BACK.identifier);
    flow.send('lock', { door: { lock: true } });
    assert.equal((await flow.next('caught')).error?.code, 'INVALID_INPUT');
    assert.equal(flow.world.journal.actions.length, 1);
  });

  it('goes back to the gateway’s lock where the message names none', async () => {
    await flow.load(flow.whole(flow.gateway(), action({ identifier: 'lock', identifierType: 'msg' })));
    flow.send('lock', {});
    const { payload } = await flow.next('out');
    assert.equal((payload as { identifier: string }).identifier, FRONT.identifier);
  });

  it('leaves a line in the log when a full deploy stops an open that was sent', async () => {
    await flow.load(flow.whole(flow.gateway(), action({ confirm: true })));
    flow.world.faults.next({ kind: 'hang', path: '/open' });
    flow.send('lock', {});
    await flow.arrived('/open');
    await flow.deploy(flow.whole(flow.gateway()), 'full');
    const lines = flow.logged.filter((line) => line.includes('stopped while a command was under way'));
    assert.equal(lines.length, 1, flow.logged.join('\n'));
  });

  it('gives the Catch node no stack for an expected error', async () => {
    await flow.load(flow.whole(flow.gateway(), action({ action: 'message' })));
    flow.send('lock', { payload: true });
    const { error } = await flow.next('caught');
    assert.equal((error as { stack?: string }).stack, undefined);
  });
});
