import assert from 'node:assert/strict';
import { LinkedAccounts, parseUsers } from '../../../src/google/accounts';
import { MemoryState } from '../../../src/state/local';
import { HandClock } from '../../support/clock';

describe('the list of users', () => {
  it('takes a password as everything after the first colon, spaces and colons included', () => {
    const { users, problems } = parseUsers('anna:correct horse \r\nben:a:b:c\n\n  Zoë : x\n');
    assert.deepEqual(users, [
      { name: 'anna', password: 'correct horse ' },
      { name: 'ben', password: 'a:b:c' },
      { name: 'Zoë', password: ' x' },
    ]);
    assert.deepEqual(problems, []);
  });

  it('names the lines that it cannot use, without quoting them', () => {
    const { users, problems } = parseUsers('anna\n:nameless\nben:\nben:x\nben:y');
    assert.deepEqual(users, [{ name: 'ben', password: 'x' }]);
    assert.deepEqual(problems, [
      'line 1 is not "name:password"',
      'line 2 is not "name:password"',
      'line 3 is not "name:password"',
      'line 5 repeats a name',
    ]);
  });

  it('knows a name and a password however the keyboard composes their letters', () => {
    const accounts = new LinkedAccounts({
      state: new MemoryState(),
      clock: new HandClock(),
      prefix: 'google/test',
      users: parseUsers('Zo\u00eb:caf\u00e9').users,
    });
    assert.equal(accounts.checkPassword('Zoe\u0308 ', 'cafe\u0301'), 'Zo\u00eb');
    assert.equal(accounts.checkPassword('zoe\u0308', 'cafe\u0301'), undefined);
    assert.equal(accounts.checkPassword('Zo\u00eb', 'cafe'), undefined);
    assert.equal(accounts.checkPassword('nobody', 'nobody'), undefined);
  });
});

describe('what the accounts keep', () => {
  const users = parseUsers('anna:x\n__proto__:y').users;
  let state: MemoryState;
  let clock: HandClock;
  let accounts: LinkedAccounts;

  function open(): LinkedAccounts {
    return new LinkedAccounts({ state, clock, prefix: 'google/test', users });
  }

  beforeEach(() => {
    state = new MemoryState();
    clock = new HandClock();
    accounts = open();
  });

  async function link(user: string, access: string, refresh: string): Promise<void> {
    const code = accounts.newToken();
    await accounts.grantCode(code, { user, redirectUri: 'https://example.com' });
    const opened = await accounts.spendCode(code);
    assert.ok(opened !== undefined && (await accounts.openLink(code, opened, { access, refresh })));
  }

  async function kept(): Promise<Record<'users' | 'links' | 'access' | 'codes', object>> {
    return (await state.get('google/test/accounts')) as unknown as Record<
      'users' | 'links' | 'access' | 'codes',
      object
    >;
  }

  it('drops expired codes and access tokens, and keeps links', async () => {
    await link('anna', 'first', 'lasting');
    clock.skip(2 * 3600_000);
    const { link: id } = (await accounts.findRefresh('lasting'))!;
    assert.ok(await accounts.extendLink(id, 'second'));
    const book = await kept();
    assert.equal(Object.keys(book.access).length, 1);
    assert.equal(Object.keys(book.codes).length, 0);
    assert.equal(Object.keys(book.links).length, 1);
  });

  it('keeps the id of a user with an odd name apart from everybody’s', async () => {
    await link('__proto__', 'odd', 'odd-lasting');
    await link('anna', 'plain', 'plain-lasting');
    const odd = await accounts.authenticate('odd');
    const plain = await accounts.authenticate('plain');
    assert.equal(odd?.user, '__proto__');
    assert.notEqual(odd.agentUserId, plain?.agentUserId);
  });

  it('is read by the next process, and by one beside it', async () => {
    await link('anna', 'token', 'lasting');
    const beside = open();
    const identity = await beside.authenticate('token');
    assert.deepEqual(identity, await accounts.authenticate('token'));
    let heard = 0;
    beside.onLinksChanged(() => heard++);
    await accounts.disconnect(identity!.agentUserId, identity!.link);
    assert.equal(heard, 1);
    assert.equal(await beside.authenticate('token'), undefined);
    await beside.close();
    await link('anna', 'again', 'again-lasting');
    assert.equal(heard, 1);
  });

  it('lets go of the longest unused links of somebody who links again and again', async () => {
    for (let i = 0; i < 60; i++) {
      await link('anna', `access-${i}`, `refresh-${i}`);
      clock.skip(1000);
    }
    assert.equal(Object.keys((await kept()).links).length, 50);
    assert.equal(await accounts.findRefresh('refresh-9'), undefined);
    assert.ok(await accounts.findRefresh('refresh-10'));
  });
});
