/**
 * The dialog of a gateway: finds it, lists its locks, tests the share, takes one over or creates one with the vendor's account.
 * The runtime is asked only when a button is pressed.
 */
import { beside, button, expands, follow, shared } from './elements';
import { advise, check, closes, opens, saves, field, typed } from './fields';
import { lockRows } from './locks';
import { ask, bad, Failure, good, requestBeside, requestRow, type Answer } from './requests';
import { rules, STORED, trimmed } from './rules';
import { shareForm } from './share';

RED.nodes.registerType('gateway-config', {
  category: 'config',
  defaults: {
    name: { value: '' },
    host: { value: '', validate: check('host', rules.host) },
    identifier: { value: '', validate: check('identifier', rules.identifier) },
    timeout: { value: '30', validate: check('timeout', rules.seconds) },
  },
  credentials: { code: { type: 'password' }, sharedState: { type: 'password' } },
  label() {
    const parts = [this.identifier, this.host].map(trimmed).filter(Boolean);
    return trimmed(this.name) || parts.join(' @ ') || this._('gateway-config.label.host');
  },
  oneditprepare: opens(prepare),
  oneditsave: saves,
  oneditcancel: closes,
});

function prepare(node: EditedNode): void {
  const [host, identifier, code] = [field(node, 'host'), field(node, 'identifier'), field(node, 'code')];
  /** The row that was chosen is gone then, and the cursor with it. */
  const choose = (input: JQuery, value: string): undefined => {
    input.val(value).trigger('change').trigger('focus');
  };

  requestBeside(host, {
    icon: 'search',
    label: shared('button.find'),
    about: [host],
    run: async () => {
      const { gateways } = await ask('POST', 'find', {});
      const rows = (gateways as { host: string; version: number | null }[]).map(({ host: main, version }) => ({
        icon: 'server',
        main,
        more: version === null ? '' : shared('badge.version', { version }),
        choose: () => choose(host, main),
      }));
      return rows.length === 0
        ? bad(shared('setup.noGateways'))
        : { lines: [{ text: shared('setup.chooseGatewayFound') }], rows };
    },
  });
  requestBeside(identifier, {
    icon: 'search',
    label: shared('button.locks'),
    needs: { needHost: host },
    run: async () => lockRows(await ask('POST', 'locks', { host: typed(host) }), (lock) => choose(identifier, lock)),
  });
  const [panel] = $('#thekeys-share');
  const share = button('magic', shared('button.share'), () => undefined);
  if (panel !== undefined) beside(code, expands(share, panel, 'input'));
  follow(code, () => {
    $('#thekeys-code-hint').text(adviceOn(typed(code)));
  });
  advise(node, 'sharedState', rules.redis);
  shareForm(node, testButton(node, host, identifier, code));
}

function testButton(node: EditedNode, host: JQuery, identifier: JQuery, code: JQuery): HTMLButtonElement | undefined {
  const test = async (): Promise<Answer> => {
    const share = { host: typed(host), identifier: typed(identifier), code: typed(code) };
    const { state, batteryPercent: battery } = await ask('POST', 'test', { id: node.id, ...share });
    const words = { state: shared(`badge.${String(state)}`), battery };
    return good(shared(typeof battery === 'number' ? 'setup.worksBattery' : 'setup.works', words));
  };
  const synchronize = {
    icon: 'refresh',
    main: shared('button.synchronize'),
    busy: shared('setup.synchronizing'),
    choose: async () => {
      await ask('POST', 'synchronize', { host: typed(host) });
      return test();
    },
  };
  const [made] = requestRow(node, {
    icon: 'check',
    label: shared('button.test'),
    needs: { needHost: host, needLock: identifier, needCode: code },
    run: () =>
      test().catch((error: unknown) => {
        if (!(error instanceof Failure) || error.code !== 'NOT_SHARED') throw error;
        // It learns of a new share only when it is synchronized.
        return { lines: [{ text: shared('setup.notShared') }], rows: [synchronize] };
      }),
  });
  return made;
}

/** Characters that people confuse when they copy a code by hand, and such as no code has. */
function adviceOn(code: string): string {
  if (code === '' || code === STORED || code.includes('${')) return '';
  if (!rules.shareCode(code)) return shared('validator.code');
  return /[O0lI1]/.test(code) ? shared('hint.code') : '';
}
