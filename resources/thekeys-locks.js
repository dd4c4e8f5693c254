/**
 * What the dialogs of the lock nodes share: buttons that ask the runtime something, what they found as rows to choose from,
 * and the words for what went wrong. A typed value always counts; everything here only fills it in.
 */
(function () {
  'use strict';

  const WORDS = 'node-red-contrib-thekeys-gateway/gateway-config:gateway-config.';
  const PLACEHOLDER = '__PWRD__';
  /** dBm below which a signal is called fair, and weak. */
  const FAIR = -75;
  const WEAK = -88;

  const t = (key, values) => RED._(WORDS + key, values);

  /** Asks the runtime. Rejects with `{ code, message, hint }`. */
  function ask(method, path, body) {
    return new Promise((resolve, reject) => {
      $.ajax({
        method,
        url: 'thekeys-gateway/' + path,
        dataType: 'json',
        ...(body === undefined ? {} : { contentType: 'application/json', data: JSON.stringify(body) }),
      })
        .done((answer) => {
          if (answer.error) reject(answer.error);
          else resolve(answer);
        })
        .fail((request) => {
          const refused = request.status === 401 || request.status === 403;
          reject({ code: refused ? 'NOT_PERMITTED' : 'NO_ANSWER' });
        });
    });
  }

  /** What went wrong, as a sentence that says what to do. */
  function sentence(error) {
    const key = 'error.' + error.code;
    const known = t(key);
    // The editor gives the key back where it has no words.
    if (!known.endsWith(key)) return known;
    return error.hint || error.message || t('error.NO_ANSWER');
  }

  /** A place for results below a row, read out by screen readers. */
  function resultArea() {
    const area = $('<div class="thekeys-result" role="status" aria-live="polite"></div>');
    const say = (text, kind) => {
      area
        .empty()
        .removeClass('thekeys-good thekeys-bad')
        .addClass(kind ? 'thekeys-' + kind : '');
      $('<div></div>').text(text).appendTo(area);
    };
    const hide = () => area.empty().removeClass('thekeys-good thekeys-bad');
    /** Rows to choose from: `{ icon, main, more }`. */
    const offer = (text, rows, choose) => {
      say(text);
      const list = $('<div class="thekeys-choices"></div>').appendTo(area);
      for (const row of rows) {
        const button = $('<button type="button" class="red-ui-button thekeys-choice"></button>').appendTo(list);
        $('<i aria-hidden="true"></i>')
          .addClass('fa ' + row.icon)
          .appendTo(button);
        $('<span class="thekeys-main"></span>').text(row.main).appendTo(button);
        $('<span class="thekeys-more"></span>').text(row.more).appendTo(button);
        button.on('click', () => {
          hide();
          choose(row);
        });
      }
    };
    return { area, say, offer, hide };
  }

  /**
   * Puts a button beside an input, and a place for results below.
   * `run(result)` is what the button does; it returns a promise, during which the button waits.
   */
  function addButton(input, { icon, label, run }) {
    const field = $('<div class="thekeys-field"></div>');
    input.before(field).appendTo(field);
    const button = makeButton(icon, label).appendTo(field);
    const result = resultArea();
    field.closest('.form-row').append(result.area);
    onClick(button, result, run);
    return { button, result };
  }

  function makeButton(icon, label) {
    const button = $('<button type="button" class="red-ui-button"></button>');
    $('<i aria-hidden="true"></i>')
      .addClass('fa ' + icon)
      .appendTo(button);
    $('<span></span>')
      .text(' ' + label)
      .appendTo(button);
    return button;
  }

  function onClick(button, result, run) {
    button.on('click', () => {
      if (button.attr('aria-disabled') === 'true') return;
      button.attr('aria-disabled', 'true');
      result.say(t('setup.asking'));
      Promise.resolve()
        .then(() => run(result))
        .catch((error) => result.say(error.code ? sentence(error) : String(error), 'bad'))
        .finally(() => button.removeAttr('aria-disabled'));
    });
  }

  /** A lock as a row: its number, and how well it is heard. */
  function lockRow({ identifier, rssi, batteryPercent }) {
    const more = [];
    if (typeof rssi === 'number') more.push(t('setup.' + signal(rssi), { rssi: '−' + Math.abs(rssi) }));
    if (typeof batteryPercent === 'number') more.push(t('setup.battery', { battery: batteryPercent }));
    return { icon: 'fa-lock', main: identifier, more: more.join(' · ') };
  }

  function signal(rssi) {
    if (rssi < WEAK) return 'weak';
    return rssi < FAIR ? 'fair' : 'strong';
  }

  function offerLocks(result, locks, choose) {
    if (locks.length === 0) result.say(t('setup.noLocks'), 'bad');
    else result.offer(t('setup.chooseLock'), locks.map(lockRow), ({ main }) => choose(main));
  }

  /** The locks that a gateway sees: the deployed one, or, where the editor knows better, the one at its address. */
  function locksOf(id) {
    const config = RED.nodes.node(id);
    const byAddress = () => ask('POST', 'locks', { host: config ? config.host : '' });
    if (config && config.changed) return byAddress();
    return ask('GET', 'gateways/' + encodeURIComponent(id) + '/locks').catch((error) => {
      if (error.code === 'NOT_DEPLOYED' && config) return byAddress();
      throw error;
    });
  }

  /** The lock field of a node: a button that lists what its gateway sees, and the gateway's own lock as placeholder. */
  function lockField() {
    const input = $('#node-input-identifier');
    const gateway = $('#node-input-gateway');
    const { result } = addButton(input, {
      icon: 'fa-search',
      label: t('button.locks'),
      run: async () => {
        const id = gateway.val();
        if (!id || id === '_ADD_') {
          result.say(t('setup.chooseGateway'), 'bad');
          return;
        }
        const { locks } = await locksOf(id);
        offerLocks(result, locks, (identifier) => input.val(identifier).trigger('change').trigger('focus'));
      },
    });
    gateway.on('change', () => {
      const config = RED.nodes.node(gateway.val());
      const own = config && config.identifier;
      input.attr('placeholder', t('placeholder.asGateway') + (own ? ' (' + own + ')' : ''));
      result.hide();
    });
    gateway.trigger('change');
  }

  window.TheKeys = window.TheKeys || {};
  window.TheKeys.locks = {
    PLACEHOLDER,
    addButton,
    ask,
    lockField,
    makeButton,
    offerLocks,
    onClick,
    resultArea,
    sentence,
    t,
  };
})();
