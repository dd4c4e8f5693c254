/**
 * The dialog of a gateway: finds it, lists its locks, tests the share, takes one over or creates one with the vendor's account.
 * The runtime is asked only when a button is pressed.
 */
import { ask, askBeside, Failure, lacks, type Question, type Verdict } from './ask';
import { questions } from './diagnostics';
import { adviseBy, check, field, openIfUnusual, opened, saving, shared, typed } from './fields';
import { offerLocks } from './locks';
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
  oneditprepare() {
    prepare(this);
    opened(this);
  },
  oneditsave() {
    saving(this);
  },
});

function prepare(node: EditedNode): void {
  const [host, identifier, code] = [field(node, 'host'), field(node, 'identifier'), field(node, 'code')];
  /** The row that was chosen is gone then, and the cursor with it. */
  const choose = (input: JQuery) => (value: string) => {
    input.val(value).trigger('change').trigger('focus');
  };

  askBeside(host, {
    icon: 'search',
    label: shared('button.find'),
    about: [host],
    run: async (result) => {
      const { gateways } = await ask('POST', 'find', {});
      const found = gateways as { host: string; version: number | null }[];
      const rows = found.map(({ host: main, version }) => ({
        icon: 'server',
        main,
        more: version === null ? '' : shared('badge.version', { version }),
      }));
      if (rows.length === 0) result.say(shared('setup.noGateways'), 'bad');
      else result.offer(shared('setup.chooseGatewayFound'), rows, ({ main }) => choose(host)(main));
    },
  });
  askBeside(identifier, {
    icon: 'search',
    label: shared('button.locks'),
    about: [host],
    run: async (result) => {
      if (lacks(result, [[host, 'needHost']])) return;
      offerLocks(result, await ask('POST', 'locks', { host: typed(host) }), choose(identifier));
    },
  });
  const test = testButton(node, host, identifier, code);
  const box = $('#thekeys-share');
  const { button: share } = askBeside(code, {
    icon: 'magic',
    label: shared('button.share'),
    about: [],
    run: (result) => {
      result.hide();
      const open = box.prop('hidden') === true;
      box.prop('hidden', !open);
      share.setAttribute('aria-expanded', String(open));
      if (open) $('#thekeys-share-account').trigger('focus');
    },
  });
  share.setAttribute('aria-expanded', 'false');
  share.setAttribute('aria-controls', 'thekeys-share');
  const advice = (): void => {
    $('#thekeys-code-hint').text(adviceOn(typed(code)));
  };
  code.on('input change', advice);
  advice();
  adviseBy(node, 'sharedState', rules.redis);
  openIfUnusual(node, { timeout: '30', sharedState: '' });
  shareForm({ name: field(node, 'name'), host, identifier, code, test });
}

function testButton(node: EditedNode, host: JQuery, identifier: JQuery, code: JQuery): HTMLButtonElement {
  const report = async (shown: Verdict): Promise<void> => {
    const share = { host: typed(host), identifier: typed(identifier), code: typed(code) };
    const { state, batteryPercent: battery } = await ask('POST', 'test', { id: node.id, ...share });
    const words = { state: shared(`badge.${String(state)}`), battery };
    shown.say(shared(typeof battery === 'number' ? 'setup.worksBattery' : 'setup.works', words), 'good');
  };
  const synchronize = async (_row: unknown, shown: Verdict): Promise<void> => {
    shown.say(shared('setup.synchronizing'));
    await ask('POST', 'synchronize', { host: typed(host) });
    await report(shown);
  };
  const test: Question = {
    icon: 'check',
    label: shared('button.test'),
    about: [host, identifier, code],
    run: async (shown) => {
      const needs = [
        [host, 'needHost'],
        [identifier, 'needLock'],
        [code, 'needCode'],
      ] as const;
      if (lacks(shown, needs)) return;
      try {
        await report(shown);
      } catch (error) {
        if (!(error instanceof Failure) || error.code !== 'NOT_SHARED') throw error;
        // It learns of a new share only when it is synchronized.
        const row = { icon: 'refresh', main: shared('button.synchronize'), more: '' };
        shown.offer(shared('setup.notShared'), [row], synchronize);
      }
    },
  };
  const [made] = questions(node, [test]);
  return made ?? document.createElement('button');
}

/** Characters that people confuse when they copy a code by hand, and such as no code has. */
function adviceOn(code: string): string {
  if (code === '' || code === STORED || code.includes('${')) return '';
  if (!rules.shareCode(code)) return shared('validator.code');
  return /[O0lI1]/.test(code) ? shared('hint.code') : '';
}
