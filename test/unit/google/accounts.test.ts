import assert from 'node:assert/strict';
import { LinkedAccounts, type TokenPair } from '../../../src/google/accounts';
import { parseUsers } from '../../../src/google/users';
import { MemoryState } from '../../../src/state/local';
import { StateError } from '../../../src/state/state';
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

  it('refuses a line with a variable in it, for its password would be a text that everyone can read', () => {
    const { users, problems } = parseUsers('anna:${ANNAS_PASSWORD}\nben:y');
    assert.deepEqual(users, [{ name: 'ben', password: 'y' }]);
    assert.deepEqual(problems, ['line 1 has a variable in it, and Node-RED fills in whole fields only']);
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

  const redirectUri = 'https://example.com';

  async function link(user: string): Promise<TokenPair> {
    const tokens = await accounts.redeemCode(await accounts.grantCode({ user, redirectUri }), { redirectUri });
    assert.ok(tokens !== undefined);
    return tokens;
  }

  async function kept(): Promise<Record<'users' | 'links' | 'access' | 'codes', object>> {
    return (await state.get('google/test/accounts')) as unknown as Record<
      'users' | 'links' | 'access' | 'codes',
      object
    >;
  }

  it('drops expired codes and access tokens, and keeps links', async () => {
    const { refresh } = await link('anna');
    clock.skip(2 * 3600_000);
    assert.ok(await accounts.refresh(refresh));
    const file = await kept();
    assert.equal(Object.keys(file.access).length, 1);
    assert.equal(Object.keys(file.codes).length, 0);
    assert.equal(Object.keys(file.links).length, 1);
    assert.equal(await accounts.linkCount(), 1);
  });

  it('keeps the id of a user with an odd name apart from everyone else’s', async () => {
    const odd = await accounts.authenticate((await link('__proto__')).access);
    const plain = await accounts.authenticate((await link('anna')).access);
    assert.equal(odd?.user, '__proto__');
    assert.notEqual(odd.agentUserId, plain?.agentUserId);
  });

  it('is read by the next process, and by one beside it', async () => {
    const { access } = await link('anna');
    const beside = open();
    const identity = await beside.authenticate(access);
    assert.deepEqual(identity, await accounts.authenticate(access));
    let changes = 0;
    beside.onLinksChanged(() => changes++);
    await accounts.disconnect(identity!.agentUserId, identity!.link);
    assert.equal(changes, 1);
    assert.equal(await beside.authenticate(access), undefined);
    beside.close();
    await link('anna');
    assert.equal(changes, 1);
  });

  it('lets go of the longest unused links of a person who links again and again', async () => {
    const links: TokenPair[] = [];
    for (let i = 0; i < 60; i++) {
      links.push(await link('anna'));
      clock.skip(1000);
    }
    assert.equal(Object.keys((await kept()).links).length, 50);
    assert.equal(await accounts.refresh(links[9]!.refresh), undefined);
    assert.ok(await accounts.refresh(links[10]!.refresh));
  });

  it('of a newer version of the package is neither read nor written over', async () => {
    const newer = { version: 2, links: { 'in a shape': 'of its own' } };
    await state.change('google/test/accounts', () => ({ value: newer, result: undefined }));
    const refused = (error: Error): boolean => error instanceof StateError && error.message.includes('newer version');
    await assert.rejects(accounts.authenticate('x'), refused);
    await assert.rejects(accounts.grantCode({ user: 'anna', redirectUri }), refused);
    await assert.rejects(accounts.disconnect('x', 'y'), refused);
    await assert.rejects(accounts.forgetRemoved(), refused);
    assert.deepEqual(await state.get('google/test/accounts'), newer);
  });
});
