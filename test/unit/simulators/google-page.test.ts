import assert from 'node:assert/strict';
import http from 'node:http';
import { systemClock } from '../../../src/common/clock';
import { silent } from '../../../src/common/log';
import { createApiClient } from '../../../src/common/api-client';
import { HomeGraphClient } from '../../../src/google/home-graph';
import type { RunningStandIn } from '../../../simulators/google/page';
import { PHRASES } from '../../../simulators/google/speech';
import { openTalkingHouse, type GuideHouse } from '../../support/guide-house';

describe("the demo's conversation with Google", () => {
  let house: GuideHouse;
  let google: RunningStandIn;
  let close: () => Promise<void>;
  beforeEach(async () => {
    ({ house, google, close } = await openTalkingHouse());
  });
  afterEach(() => close());

  async function say(phrase: string): Promise<string> {
    const headers = { 'Content-Type': 'application/json' };
    const answer = await fetch(new URL('say', google.url), {
      method: 'POST',
      headers,
      body: JSON.stringify({ phrase }),
    });
    assert.equal(answer.status, 204);
    return google.conversation.lines.filter((line) => line.who === 'google').at(-1)?.text ?? '';
  }

  it('has a button for each phrase of the guide', async () => {
    const html = await (await fetch(google.url)).text();
    for (const phrase of PHRASES) assert.ok(html.includes(`>${phrase}</button>`), phrase);
  });

  it('arms away in three turns, unlocks with a PIN, locks without', async () => {
    assert.equal(await say('Arm away'), 'What is your PIN?');
    assert.equal(await say('PIN 0000'), 'Sorry, that PIN is incorrect. What is your PIN?');
    assert.equal(await say('PIN 1234'), 'Kitchen window is open. Are you sure you want to arm the alarm?');
    assert.equal(await say('Yes, although the window is open'), 'Kitchen window is open. OK, the alarm is armed.');
    assert.equal(await say('Unlock the front door'), 'What is your PIN?');
    assert.equal(await say('1 2 3 4'), 'OK, the door is unlocked.');
    assert.equal(await say('Lock the front door'), 'OK, the door is locked.');
    assert.deepEqual(house.done, ['arm L2', 'unlock', 'lock']);
  });

  it('takes no for an answer, and answers to nothing that was not asked', async () => {
    await say('Arm the alarm');
    assert.equal(await say('No'), 'OK, never mind.');
    assert.equal(await say('PIN 1234'), 'I did not ask anything. Say for example: arm the alarm.');
    await say('Arm the alarm');
    await say('PIN 1234');
    assert.equal(await say('No'), 'OK, cancelled.');
    assert.equal(await say('Make me a sandwich.'), 'I did not understand that.');
    assert.deepEqual(house.done, []);
  });

  it('disarms and cancels, never arming by it', async () => {
    for (const phrase of ['Disarm', 'Cancel']) {
      assert.equal(await say(phrase), 'What is your PIN?');
      await say('PIN 1234');
    }
    assert.deepEqual(house.done, ['disarm', 'cancel']);
  });

  it('shows what went over the wire, and links again after unlinking', async () => {
    await say('Lock the front door');
    const line = google.conversation.lines.at(-1);
    assert.match(line?.wire?.title ?? '', /^EXECUTE \(200, \d+ ms\)$/);
    assert.match(JSON.stringify(line?.wire?.request), /LockUnlock/);
    const headers = { 'Content-Type': 'application/json' };
    await fetch(new URL('unlink', google.url), { method: 'POST', headers, body: '{}' });
    assert.deepEqual(await house.accounts.linkedUsers(), []);
    await say('Lock the front door');
    assert.equal((await house.accounts.linkedUsers()).length, 1);
  });

  it('speaks the outcome of a pending command when it is told', async () => {
    house.pending = true;
    assert.equal(await say('Lock the front door'), 'OK, I am on it.');
    const request = google.conversation.lines.at(-1)?.wire?.request as {
      inputs: { payload: { commands: { execution: { params: { followUpToken: string } }[] }[] } }[];
    };
    const token = request.inputs[0]?.payload.commands[0]?.execution[0]?.params.followUpToken;
    const graph = new HomeGraphClient({
      clock: systemClock,
      api: createApiClient({ clock: systemClock }),
      endpoint: google.homeGraphEndpoint,
      serviceAccountKey: google.serviceAccountKey,
      log: { ...silent, warn: (line) => assert.fail(line) },
    });
    const [agentUserId = ''] = await house.accounts.linkedUsers();
    const spoken = new Promise<string>((resolve) => {
      google.conversation.listen((line) => {
        if (line?.who === 'google') resolve(line.text);
      });
    });
    graph.report([agentUserId], { door: { online: true, isLocked: true } });
    graph.followUp(agentUserId, 'door', 'LockUnlock', {
      status: 'SUCCESS',
      isLocked: true,
      followUpToken: token ?? '',
    });
    assert.equal(await spoken, 'The door is now locked.');
    assert.ok(google.conversation.lines.some((line) => line.text === 'Front door reports: isLocked true'));
    await graph.close();
  });

  it('says so when the home is gone, and recovers', async () => {
    await say('Lock the front door');
    const before = google.conversation.lines.length;
    await house.close();
    assert.match(await say('Lock the front door'), /could not reach your home/);
    assert.ok(google.conversation.lines.length > before);
    assert.match(await say('Lock the front door'), /could not link/);
  });

  it('serves nobody but this machine', async () => {
    const { port } = new URL(google.url);
    const foreign = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { Host: 'evil.example' };
      http
        .get({ port, host: '127.0.0.1', headers }, (answer) => resolve(answer.resume().statusCode))
        .on('error', reject);
    });
    assert.equal(foreign, 403);
    const text = await fetch(new URL('say', google.url), { method: 'POST', body: '{"phrase":"Disarm"}' });
    assert.equal(text.status, 400);
    assert.equal((await fetch(new URL('other', google.url))).status, 404);
  });

  it('tells a page that opens what was said, and what comes', async () => {
    await say('Lock the front door');
    const stream = await fetch(new URL('events', google.url));
    const reader = stream.body!.getReader();
    let text = '';
    const until = async (words: string): Promise<void> => {
      while (!text.includes(words)) {
        const { value, done } = await reader.read();
        assert.ok(!done);
        text += new TextDecoder().decode(value);
      }
    };
    await until('OK, the door is locked.');
    await until('"linked":true');
    await say('Unlock the front door');
    await until('"asks":"pin"');
    await reader.cancel();
  });
});
