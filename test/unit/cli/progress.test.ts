import assert from 'node:assert/strict';
import sinon from 'sinon';
import { ProgressLine, type Terminal } from '../../../src/cli/terminal';

describe('how long work is going', () => {
  let time: sinon.SinonFakeTimers;
  let said: string[];

  const terminal = (errIsTerminal: boolean): Terminal => ({
    env: {},
    out: () => assert.fail('standard output is for the result'),
    err: (text) => void said.push(text),
    errIsTerminal,
    onStop: () => undefined,
  });
  const line = (isTerminal: boolean, inLogs = true): ProgressLine =>
    new ProgressLine(terminal(isTerminal), inLogs, () => Date.now());

  beforeEach(() => {
    time = sinon.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'Date'] });
    said = [];
  });
  afterEach(() => time.restore());

  it('is a line for each change in a log, and a sign of life where nothing changes', () => {
    const progress = line(false);
    progress.say('sent');
    time.tick(2000);
    progress.say('the gateway says: Updating');
    progress.say('the gateway says: Updating');
    time.tick(61_000);
    progress.end();
    time.tick(60_000);
    assert.deepEqual(said, [
      'the-keys: sent (2 s)\n',
      'the-keys: the gateway says: Updating (2 s)\n',
      'the-keys: the gateway says: Updating (32 s)\n',
      'the-keys: the gateway says: Updating (62 s)\n',
    ]);
  });

  it('says nothing in a log about what is over at once, or needs no word', () => {
    const quick = line(false);
    quick.say('sent');
    time.tick(1900);
    quick.end();
    const short = line(false, false);
    short.say('reading the lock back');
    time.tick(9000);
    short.end();
    assert.deepEqual(said, []);
  });

  it('is one moving line on a terminal, gone at the end', () => {
    const progress = line(true);
    progress.say('sent');
    time.tick(3000);
    progress.end();
    progress.end();
    assert.equal(said.length, 5);
    assert.ok(said.every((text) => text.startsWith('\r\u001b[K') && !text.includes('\n')));
    assert.match(said[3]!, /sent \(3 s\)$/);
    assert.equal(said[4], '\r\u001b[K');
  });
});
