/** Takes a share over, or creates one, with the vendor's account, which goes no further than these requests. */
import { shared, statusArea } from './elements';
import { field, typed } from './fields';
import { ask, bad, good, requestButton, type Row } from './requests';

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

/** @param test what comes next */
export function shareForm(node: EditedNode, test: HTMLButtonElement | undefined): void {
  const [account, password] = [$('#thekeys-share-account'), $('#thekeys-share-password')];
  const login = (): object => ({ account: typed(account), password: String(password.val()) });
  const fill = (key: string, value: string): JQuery => field(node, key).val(value).trigger('change');
  const area = statusArea();

  /** A lock with a gateway: a share that exists, or, without its number, one that can be made. */
  const row = (lock: OwnLock, gateway: Accessory, words: string, values: object = {}, share?: number): Row => ({
    icon: share === undefined ? 'magic' : 'key',
    main: titleOf(lock.name, lock.identifier),
    more: shared(`share.${words}`, { ...values, gateway: titleOf(gateway.name, gateway.accessoryId) }),
    choose: async () => {
      const chosen = { lock: lock.identifier, lockId: lock.id, gateway: gateway.accessoryId, gatewayId: gateway.id };
      const { code, host } = await ask('POST', 'share', { ...login(), ...chosen, share });
      fill('code', String(code));
      fill('identifier', lock.identifier);
      if (typed(field(node, 'name')) === '') fill('name', lock.name);
      if (typed(field(node, 'host')) === '' && typeof host === 'string') fill('host', host);
      password.val('');
      test?.focus();
      return good(shared('share.created'));
    },
  });
  /** Of the lock that is named, or of all: first the shares that exist, then those that can be made. */
  const rowsOf = (locks: readonly OwnLock[]): Row[] => {
    const named = locks.filter((lock) => lock.identifier === typed(field(node, 'identifier')));
    const wanted = named.length > 0 ? named : locks;
    const existing = wanted.flatMap((lock) =>
      lock.shares
        // Without a number it cannot be asked for again.
        .filter(({ id }) => id !== undefined)
        .map(({ id, name, active, gateway }) => row(lock, gateway, active ? 'existing' : 'inactive', { name }, id)),
    );
    const possible = wanted.flatMap((lock) => gatewaysOf([lock, ...locks]).map((gateway) => row(lock, gateway, 'new')));
    return [...existing, ...possible];
  };
  const show = requestButton(area, {
    icon: 'user',
    label: shared('button.account'),
    needs: { needAccount: account, needPassword: password },
    run: async () => {
      const locks = (await ask('POST', 'account', login())).locks as OwnLock[];
      const rows = rowsOf(locks);
      if (rows.length === 0) return bad(shared(locks.length === 0 ? 'share.noLocks' : 'share.noGateways'));
      return { lines: [{ text: shared('share.choose') }], rows };
    },
  });
  $('#thekeys-share-login').append(show);
  $('#thekeys-share').append(area);
}

const titleOf = (name: string, id: string): string => (name === '' ? id : `${name} · ${id}`);

/** Each gateway once. */
function gatewaysOf(locks: readonly OwnLock[]): Accessory[] {
  const gateways = locks.flatMap(({ accessories }) => accessories).filter(({ kind }) => kind === 'gateway');
  return [...new Map(gateways.map((gateway) => [gateway.accessoryId, gateway])).values()];
}
