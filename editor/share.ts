/** Creates a share with the vendor's account, which goes no further than these requests. */
import { ask, asking, lacks, Result } from './ask';
import { element, shared, typed } from './fields';

interface Accessory {
  accessoryId: string;
  name: string;
  kind: string;
}
interface OwnLock {
  identifier: string;
  name: string;
  accessories: Accessory[];
}

export interface ShareTarget {
  identifier: JQuery;
  code: JQuery;
  /** What comes next. */
  test: HTMLButtonElement;
}

export function shareForm({ identifier, code, test }: ShareTarget): void {
  const input = (name: string): JQuery => $(`#thekeys-share-${name}`);
  const [account, password, lock, gateway] = [input('account'), input('password'), input('lock'), input('gateway')];
  const pick = input('pick');
  const login = (): object => ({ account: typed(account), password: String(password.val()) });
  const result = new Result();
  let locks: OwnLock[] = [];

  const show = asking(result, {
    icon: 'user',
    label: shared('button.account'),
    about: [account, password],
    run: async (shown) => {
      pick.prop('hidden', true);
      const needs = [
        [account, 'needAccount'],
        [password, 'needPassword'],
      ] as const;
      if (lacks(shown, needs)) return;
      locks = (await ask('POST', 'account', login())).locks as OwnLock[];
      if (locks.length === 0) {
        shown.say(shared('share.noLocks'), 'bad');
        return;
      }
      fill(
        lock,
        locks.map((each) => [each.identifier, each.name]),
      );
      if (locks.some((each) => each.identifier === typed(identifier))) lock.val(typed(identifier));
      lock.trigger('change');
      pick.prop('hidden', false);
      shown.hide();
      lock.trigger('focus');
    },
  });

  lock.on('change', () => {
    const own = locks.filter((each) => each.identifier === lock.val());
    const gateways = [...own, ...locks].flatMap((each) => each.accessories).filter(({ kind }) => kind === 'gateway');
    fill(gateway, [...new Map(gateways.map(({ accessoryId, name }) => [accessoryId, name]))]);
  });

  const create = asking(result, {
    icon: 'magic',
    label: shared('button.create'),
    about: [],
    run: async (shown) => {
      if (!gateway.val()) {
        shown.say(shared('share.noGateways'), 'bad');
        return;
      }
      const chosen = { lock: lock.val(), gateway: gateway.val(), name: typed(input('name')) };
      const share = await ask('POST', 'share', { ...login(), ...chosen });
      code.val(String(share.code)).trigger('change');
      identifier.val(String(lock.val())).trigger('change');
      password.val('');
      pick.prop('hidden', true);
      shown.say(shared('share.created'), 'good');
      test.focus();
    },
  });

  input('name').val('Node-RED');
  input('login').append(show);
  input('create').append(create);
  $('#thekeys-share').append(result.area);
}

/** Things to choose from, each by its id and its name. */
function fill(select: JQuery, things: readonly (readonly [string, string])[]): void {
  const options = things.map(([id, name]) => element('option', { value: id }, name === '' ? id : `${name} · ${id}`));
  select.empty().append(...options);
}
