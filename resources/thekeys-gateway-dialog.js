/**
 * The dialog of gateway-config: finds the gateway, lists its locks, tests the share, creates one with the vendor's account.
 * Nothing is asked unless a button is pressed, and account and password go no further than this one request.
 */
(function () {
  'use strict';

  const field = (name) => $('#node-config-input-' + name);

  function gatewayDialog(node) {
    const { addButton, ask, offerLocks, t } = TheKeys.locks;
    const host = field('host');
    const identifier = field('identifier');
    const code = field('code');
    const typed = (input) => String(input.val() ?? '').trim();
    /** What keeps a request from being made, told in the place of its result. */
    const lacks = (result, needs) => {
      const missing = needs.find(([input]) => typed(input) === '');
      if (missing !== undefined) {
        result.say(t('setup.' + missing[1]), 'bad');
        missing[0].trigger('focus');
      }
      return missing !== undefined;
    };
    const set = (input, value) => input.val(value).trigger('change');
    /** What was chosen from is gone then, and the cursor with it. */
    const choose = (input) => (value) => set(input, value).trigger('focus');

    addButton(host, {
      icon: 'fa-search',
      label: t('button.find'),
      run: async (result) => {
        const { gateways } = await ask('POST', 'find', {});
        if (gateways.length === 0) {
          result.say(t('setup.noGateways'), 'bad');
          return;
        }
        const rows = gateways.map((gateway) => ({
          icon: 'fa-server',
          main: gateway.host,
          more: gateway.version === null ? '' : t('badge.version', { version: gateway.version }),
        }));
        result.offer(t('setup.chooseGatewayFound'), rows, ({ main }) => choose(host)(main));
      },
    });

    addButton(identifier, {
      icon: 'fa-search',
      label: t('button.locks'),
      run: async (result) => {
        if (lacks(result, [[host, 'needHost']])) return;
        const { locks } = await ask('POST', 'locks', { host: typed(host) });
        offerLocks(result, locks, choose(identifier));
      },
    });

    const { button: share } = addButton(code, {
      icon: 'fa-magic',
      label: t('button.share'),
      run: (result) => toggleShare(result, share),
    });
    share.attr({ 'aria-expanded': 'false', 'aria-controls': 'thekeys-share' });
    code.on('input change', () => adviseOn(typed(code))).trigger('change');

    const test = TheKeys.locks.makeButton('fa-check', t('button.test')).appendTo('#thekeys-test');
    const tested = TheKeys.locks.resultArea();
    $('#thekeys-test').append(tested.area);
    TheKeys.locks.onClick(test, tested, async (result) => {
      const needs = [
        [host, 'needHost'],
        [identifier, 'needLock'],
        [code, 'needCode'],
      ];
      if (lacks(result, needs)) return;
      const body = { id: node.id, host: typed(host), identifier: typed(identifier), code: typed(code) };
      const { state, batteryPercent } = await ask('POST', 'test', body);
      const words = { state: t('badge.' + state), battery: batteryPercent };
      result.say(t(batteryPercent === null ? 'setup.works' : 'setup.worksBattery', words), 'good');
    });

    // What was found out is not about other settings.
    for (const input of [host, identifier, code]) input.on('input change', tested.hide);

    TheKeys.fields.adviseSharedState();
    TheKeys.fields.openIfUnusual($('#thekeys-more'), { timeout: '30', sharedState: '' });
    shareForm({ identifier, code, test, set, lacks, typed });
  }

  function toggleShare(result, button) {
    result.hide();
    const box = $('#thekeys-share');
    const open = box.prop('hidden');
    box.prop('hidden', !open);
    button.attr('aria-expanded', String(open));
    if (open) $('#thekeys-share-account').trigger('focus');
  }

  /** Characters that people confuse when they copy a code by hand, and such as no code has. */
  function adviseOn(code) {
    const { PLACEHOLDER, t } = TheKeys.locks;
    const hint = $('#thekeys-code-hint');
    if (code === '' || code === PLACEHOLDER || code.includes('${')) hint.text('');
    else if (!/^[\x21-\x7e]+$/.test(code)) hint.text(t('validator.code'));
    else hint.text(/[O0lI1]/.test(code) ? t('hint.code') : '');
  }

  function shareForm({ identifier, code, test, set, lacks, typed }) {
    const { ask, makeButton, onClick, resultArea, t } = TheKeys.locks;
    const [account, password, lock, gateway, name] = ['account', 'password', 'lock', 'gateway', 'name'].map((each) =>
      $('#thekeys-share-' + each),
    );
    const pick = $('#thekeys-share-pick');
    let locks = [];
    const login = { account: () => typed(account), password: () => String(password.val()) };

    const result = resultArea();
    const show = makeButton('fa-user', t('button.account')).appendTo('#thekeys-share-login');
    const create = makeButton('fa-magic', t('button.create')).appendTo('#thekeys-share-create');
    $('#thekeys-share').append(result.area);

    onClick(show, result, async () => {
      pick.prop('hidden', true);
      if (
        lacks(result, [
          [account, 'needAccount'],
          [password, 'needPassword'],
        ])
      ) {
        return;
      }
      ({ locks } = await ask('POST', 'account', { account: login.account(), password: login.password() }));
      if (locks.length === 0) {
        result.say(t('share.noLocks'), 'bad');
        return;
      }
      fill(
        lock,
        locks.map((each) => [
          each.identifier,
          each.name === '' ? each.identifier : each.name + ' · ' + each.identifier,
        ]),
      );
      if (locks.some((each) => each.identifier === typed(identifier))) lock.val(typed(identifier));
      lock.trigger('change');
      pick.prop('hidden', false);
      result.hide();
      lock.trigger('focus');
    });

    lock.on('change', () => {
      const own = locks.filter((each) => each.identifier === lock.val());
      const all = [...own, ...locks].flatMap((each) => each.accessories).filter((each) => each.kind === 'gateway');
      const distinct = all.filter(
        (each, index) => all.findIndex((other) => other.accessoryId === each.accessoryId) === index,
      );
      fill(
        gateway,
        distinct.map((each) => [
          each.accessoryId,
          each.name === '' ? each.accessoryId : each.name + ' · ' + each.accessoryId,
        ]),
      );
    });

    onClick(create, result, async () => {
      if (!gateway.val()) {
        result.say(t('share.noGateways'), 'bad');
        return;
      }
      const answer = await ask('POST', 'share', {
        account: login.account(),
        password: login.password(),
        lock: lock.val(),
        gateway: gateway.val(),
        name: typed(name),
      });
      set(code, answer.code);
      set(identifier, lock.val());
      password.val('');
      pick.prop('hidden', true);
      result.say(t('share.created'), 'good');
      test.trigger('focus');
    });
  }

  function fill(select, options) {
    select.empty();
    for (const [value, text] of options) $('<option></option>').attr('value', value).text(text).appendTo(select);
  }

  window.TheKeys = window.TheKeys || {};
  window.TheKeys.gatewayDialog = gatewayDialog;
})();
