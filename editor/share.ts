/** Takes a share over, or creates one, with the vendor's account, which goes no further than these requests. */
import { ask, asking, lacks, Result, type Row } from './ask';
import { shared, typed } from './fields';

interface Accessory {
  id: number;
  accessoryId: string;
  name: string;
  kind: string;
}
interface OwnLock {
  id: number;
  identifier: string;
  name: string;
  accessories: Accessory[];
  shares: { id?: number; name: string; active: boolean; gateway: Accessory }[];
}

/** A lock with a gateway: a share that exists, or one that can be made. */
interface Choice extends Row {
  lock: OwnLock;
  gateway: Accessory;
  share?: number;
}

/** What is filled in. */
export interface ShareTarget {
  name: JQuery;
  host: JQuery;
  identifier: JQuery;
  code: JQuery;
  /** What comes next. */
  test: HTMLButtonElement;
}

export function shareForm({ name, host, identifier, code, test }: ShareTarget): void {
  const [account, password] = [$('#thekeys-share-account'), $('#thekeys-share-password')];
  const login = (): object => ({ account: typed(account), password: String(password.val()) });
  const fill = (input: JQuery, value: string): JQuery => input.val(value).trigger('change');
  const result = new Result();

  const show = asking(result, {
    icon: 'user',
    label: shared('button.account'),
    about: [account, password],
    run: async (shown) => {
      const needs = [
        [account, 'needAccount'],
        [password, 'needPassword'],
      ] as const;
      if (lacks(shown, needs)) return;
      const locks = (await ask('POST', 'account', login())).locks as OwnLock[];
      if (locks.length === 0) {
        shown.say(shared('share.noLocks'), 'bad');
        return;
      }
      const choices = choicesOf(locks, typed(identifier));
      if (choices.length === 0) {
        shown.say(shared('share.noGateways'), 'bad');
        return;
      }
      shown.offer(shared('share.choose'), choices, async ({ lock, gateway, share }, next) => {
        const chosen = { lock: lock.identifier, lockId: lock.id, gateway: gateway.accessoryId, gatewayId: gateway.id };
        const answer = await ask('POST', 'share', { ...login(), ...chosen, share });
        fill(code, String(answer.code));
        fill(identifier, lock.identifier);
        if (typed(name) === '') fill(name, lock.name);
        if (typed(host) === '' && typeof answer.host === 'string') fill(host, answer.host);
        password.val('');
        next.say(shared('share.created'), 'good');
        test.focus();
      });
    },
  });

  $('#thekeys-share-login').append(show);
  $('#thekeys-share').append(result.area);
}

/** Of the lock that is named, or of all: first the shares that exist, then those that can be made. */
function choicesOf(locks: readonly OwnLock[], identifier: string): Choice[] {
  const named = locks.filter((lock) => lock.identifier === identifier);
  const wanted = named.length > 0 ? named : locks;
  const existing = wanted.flatMap((lock) =>
    lock.shares
      // Without a number it cannot be asked for again.
      .flatMap(({ id, name, active, gateway }): Choice[] => {
        const words = { name, gateway: titleOf(gateway.name, gateway.accessoryId) };
        const more = shared(active ? 'share.existing' : 'share.inactive', words);
        return id === undefined ? [] : [{ ...rowOf('key', lock, more), gateway, share: id }];
      }),
  );
  const possible = wanted.flatMap((lock) =>
    gatewaysOf([lock, ...locks]).map((gateway): Choice => {
      const more = shared('share.new', { gateway: titleOf(gateway.name, gateway.accessoryId) });
      return { ...rowOf('magic', lock, more), gateway };
    }),
  );
  return [...existing, ...possible];
}

const rowOf = (icon: string, lock: OwnLock, more: string): Row & { lock: OwnLock } => ({
  icon,
  main: titleOf(lock.name, lock.identifier),
  more,
  lock,
});

const titleOf = (name: string, id: string): string => (name === '' ? id : `${name} · ${id}`);

/** Each gateway once. */
function gatewaysOf(locks: readonly OwnLock[]): Accessory[] {
  const gateways = locks.flatMap(({ accessories }) => accessories).filter(({ kind }) => kind === 'gateway');
  return [...new Map(gateways.map((gateway) => [gateway.accessoryId, gateway])).values()];
}
