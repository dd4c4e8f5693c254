/** How a command ends early: by its deadline, by its caller, and what is left of it afterwards. */
import assert from 'node:assert/strict';
import { getEventListeners } from 'node:events';
import { abortable, lifetime, onAbort } from '../../../src/common/abort';
import { foreignText } from '../../../src/common/foreign';
import { HandClock } from '../../support/clock';

describe('a command that ends early', () => {
  it('ends at its deadline, with the words given for it', async () => {
    const clock = new HandClock();
    const life = lifetime({ clock, deadline: clock.elapsed() + 1000, late: () => new Error('too late') });
    const waiting = abortable(new Promise(() => undefined), life.signal);
    await Promise.all([assert.rejects(waiting, /too late/), clock.advance(1000)]);
  });

  it('ends with its caller, for the caller’s reason', async () => {
    const caller = new AbortController();
    const life = lifetime({ clock: new HandClock(), caller: caller.signal });
    const waiting = abortable(new Promise(() => undefined), life.signal);
    caller.abort(new Error('closed'));
    await assert.rejects(waiting, /closed/);
  });

  it('leaves nothing behind', () => {
    const clock = new HandClock();
    const caller = new AbortController();
    for (let i = 0; i < 100; i++) lifetime({ clock, deadline: clock.elapsed() + 1000, caller: caller.signal }).end();
    assert.equal(getEventListeners(caller.signal, 'abort').length, 1, 'one listener for all');
  });

  it('is told at once where the signal was aborted before', () => {
    let told = 0;
    onAbort(AbortSignal.abort(), () => (told += 1));
    assert.equal(told, 1);
  });
});

describe('words of others', () => {
  it('stay on one line, without escape sequences and direction marks', () => {
    assert.equal(
      foreignText('busy\r\n[error] forged\u001b]0;title\u0007 \u202Eevil'),
      'busy [error] forged ]0;title evil',
    );
    assert.equal(foreignText('x'.repeat(500), 10), 'xxxxxxxxx…');
  });
});
