/** Takes a share over, or creates one, with the vendor's account, which goes no further than these requests. */
import { shared, statusArea } from './elements';
import { typed } from './fields';
import { ask, bad, firstEmpty, good, requestButton, type Answer } from './requests';

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
interface Choice {
  lock: OwnLock;
  gateway: Accessory;
  share?: number;
  more: string;
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
  const area = statusArea();

  const choose = async ({ lock, gateway, share }: Choice): Promise<Answer> => {
    const chosen = { lock: lock.identifier, lockId: lock.id, gateway: gateway.accessoryId, gatewayId: gateway.id };
    const answer = await ask('POST', 'share', { ...login(), ...chosen, share });
    fill(code, String(answer.code));
    fill(identifier, lock.identifier);
    if (typed(name) === '') fill(name, lock.name);
    if (typed(host) === '' && typeof answer.host === 'string') fill(host, answer.host);
    password.val('');
    test.focus();
    return good(shared('share.created'));
  };
  const show = requestButton(area, {
    icon: 'user',
    label: shared('button.account'),
    about: [account, password],
    run: async () => {
      const empty = firstEmpty([account, 'needAccount'], [password, 'needPassword']);
      if (empty !== undefined) return empty;
      const locks = (await ask('POST', 'account', login())).locks as OwnLock[];
      if (locks.length === 0) return bad(shared('share.noLocks'));
      const rows = choicesOf(locks, typed(identifier)).map((choice) => ({
        icon: choice.share === undefined ? 'magic' : 'key',
        main: titleOf(choice.lock.name, choice.lock.identifier),
        more: choice.more,
        choose: () => choose(choice),
      }));
      return rows.length === 0 ? bad(shared('share.noGateways')) : { lines: [{ text: shared('share.choose') }], rows };
    },
  });

  $('#thekeys-share-login').append(show);
  $('#thekeys-share').append(area);
}

/** Of the lock that is named, or of all: first the shares that exist, then those that can be made. */
function choicesOf(locks: readonly OwnLock[], identifier: string): Choice[] {
  const named = locks.filter((lock) => lock.identifier === identifier);
  const wanted = named.length > 0 ? named : locks;
  const wordsFor = (key: string, { name, accessoryId }: Accessory, values: object = {}): string =>
    shared(`share.${key}`, { ...values, gateway: titleOf(name, accessoryId) });
  const existing = wanted.flatMap((lock) =>
    lock.shares.flatMap(({ id: share, name, active, gateway }): Choice[] => {
      const more = wordsFor(active ? 'existing' : 'inactive', gateway, { name });
      // Without a number it cannot be asked for again.
      return share === undefined ? [] : [{ lock, gateway, share, more }];
    }),
  );
  const possible = wanted.flatMap((lock) =>
    gatewaysOf([lock, ...locks]).map((gateway): Choice => ({ lock, gateway, more: wordsFor('new', gateway) })),
  );
  return [...existing, ...possible];
}

const titleOf = (name: string, id: string): string => (name === '' ? id : `${name} · ${id}`);

/** Each gateway once. */
function gatewaysOf(locks: readonly OwnLock[]): Accessory[] {
  const gateways = locks.flatMap(({ accessories }) => accessories).filter(({ kind }) => kind === 'gateway');
  return [...new Map(gateways.map((gateway) => [gateway.accessoryId, gateway])).values()];
}
