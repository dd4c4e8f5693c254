/**
 * What the dialogs of all node types share: which fields to show, and what may stand in one. A field that holds an environment
 * variable is always fine, because the editor cannot know its value. The words are left to each node's locale files.
 */
(function () {
  'use strict';

  /** True where a value is an environment variable. Node-RED fills in those that stand alone, and no others. */
  const isVariable = (value) => /^\$\{[^\s}]+\}$/.test(String(value ?? ''));

  const trimmed = (value) => String(value ?? '').trim();

  /** Plain http is for this machine alone: what travels in the clear must not leave it. */
  const LOCAL = /^http:\/\/(localhost|127(\.\d+){3}|\[::1\])(:\d+)?(\/|$)/i;

  /** An address that can be one, with nothing beside host, port and path: the runtime refuses what is not, too. */
  function isAddress(text) {
    try {
      const { username, password, search, hash } = new window.URL(text);
      return username + password + search + hash === '';
    } catch {
      return false;
    }
  }

  /** Each is true where the value may stay. */
  const validators = {
    identifier: (value) => {
      const text = trimmed(value);
      return text === '' || isVariable(value) || /^\d+$/.test(text);
    },
    seconds: (value, zero) => {
      const text = trimmed(value);
      return text === '' || isVariable(value) || Number(text) > 0 || (zero === true && Number(text) === 0);
    },
    host: (value) => {
      const text = trimmed(value);
      if (isVariable(value)) return true;
      const isHost = /^(http:\/\/)?(\[[0-9a-f:.]+\]|[^\s/:@?#[\]\\]+)(:\d{1,5})?\/?$/i.test(text);
      return isHost && isAddress(/^http:/i.test(text) ? text : 'http://' + text);
    },
    endpoint: (value) => {
      const text = trimmed(value);
      if (text === '' || isVariable(value)) return true;
      return (/^https:\/\/[^\s/]+/i.test(text) || LOCAL.test(text)) && isAddress(text);
    },
  };

  /** True for one of these words, and for a variable. */
  const isOneOf =
    (...known) =>
    (value) =>
      known.includes(value ?? '') || isVariable(value);

  /**
   * A validator for a node's `defaults`: `isFine(value)` with the node as `this`, else the node's own words for what to do,
   * `<type>.validator.<key>`.
   */
  function check(key, isFine) {
    // The editor shows a sentence only of a function that names two parameters.
    return function (value, _options) {
      return isFine.call(this, value) || this._(this.type + '.validator.' + key);
    };
  }

  /** What every node has as `labelStyle`. */
  function labelStyle() {
    return this.name ? 'node_label_italic' : '';
  }

  /** What a node without a name is called: by the words for its setting `key`; those for `usual` where there are none. */
  function title(node, key, usual) {
    const words = node.type + '.title.';
    const own = String(node._(words + (node[key] || usual)));
    // The editor gives the key back where it has no words.
    return own.includes(words) ? node._(words + usual) : own;
  }

  const fieldOf = (node, key) => $('#node-' + (node._def.category === 'config' ? 'config-' : '') + 'input-' + key);

  /**
   * Shows a setting in its list of choices, `usual` where there is none. A value that the list does not have, such as a
   * variable, becomes an entry of its own: the editor saves what is shown, and opening a dialog must change nothing.
   */
  function choice(node, key, usual) {
    const select = fieldOf(node, key);
    const value = String(node[key] ?? '');
    const isListed = select
      .find('option')
      .toArray()
      .some((option) => option.value === value);
    if (value !== '' && !isListed) $('<option></option>').val(value).text(value).appendTo(select);
    return select.val(value === '' ? usual : value);
  }

  /**
   * Shows a setting that is a check box, `usual` where there is none. A variable is neither yes nor no, and stays unless
   * somebody decides: until then the editor, which saves boxes by their ids, does not find this one.
   */
  function flag(node, key, usual) {
    const box = fieldOf(node, key);
    const value = String(node[key] ?? '').trim();
    const id = box.attr('id');
    const label = box.siblings('label');
    if (isVariable(value)) {
      const named = $('<code class="thekeys-variable"></code>').text(value).appendTo(label);
      const call = (name) => {
        box.attr('id', name);
        label.attr('for', name);
      };
      call(id + '-variable');
      box.prop({ checked: false, indeterminate: true }).one('change', () => {
        call(id);
        named.remove();
      });
    } else if (/^(true|false|0|no|off)$/i.test(value)) box.prop('checked', value.toLowerCase() === 'true');
    else box.prop('checked', usual);
    return box;
  }

  /**
   * Shows, of elements marked with `data-when`, those that name the chosen value. A variable may stand for any of them, so
   * every field may count; which hint does, nobody knows.
   */
  function showWhen(select, form) {
    select
      .on('change', () => {
        const value = select.val();
        form.find('[data-when]').each(function () {
          const fits = this.dataset.when.split(' ').includes(value);
          $(this).toggle(fits || (isVariable(value) && $(this).is('.form-row')));
        });
      })
      .trigger('change');
  }

  /**
   * What the editor offers while somebody types. Its Enter and Tab take the first entry, so that is what was typed: a value
   * that nobody offers counts too, and none at all.
   */
  function offer(typed, found, nothing) {
    if (found.length === 0) return found;
    const same = found.find((each) => each.value === typed) || { value: typed, label: typed || nothing };
    return [same, ...found.filter((each) => each !== same)];
  }

  /** Settings that are a list or an object, from a flow written by hand as JSON; anything else as it is. */
  function parsed(value) {
    if (typeof value !== 'string') return value;
    try {
      return JSON.parse(value);
    } catch {
      return value;
    }
  }

  /**
   * Says below a credential what is wrong with it, which no validator can: the editor keeps credentials from them. Not while
   * somebody types, but until it is right. `adviceOn(text)` gives the words, or an empty text.
   */
  function advise(key, adviceOn) {
    const input = $('#node-config-input-' + key);
    const place = $('<div class="thekeys-result thekeys-bad" role="status" aria-live="polite"></div>');
    input.closest('.form-row').append(place);
    const show = () => {
      const text = String(input.val() ?? '');
      const isHidden = text === '__PWRD__' || isVariable(trimmed(text));
      place.text(isHidden || trimmed(text) === '' ? '' : adviceOn(text));
    };
    input.on('change', show).on('input', () => place.text() !== '' && show());
  }

  /** For the address of a Redis, in every dialog that asks for one. */
  function adviseSharedState() {
    const words = 'node-red-contrib-thekeys-gateway/gateway-config:gateway-config.validator.sharedState';
    advise('sharedState', (text) => (/^rediss?:\/\/./i.test(trimmed(text)) ? '' : RED._(words)));
  }

  /** Settings that hardly anybody needs wait behind a summary, but one that differs from the usual must not hide. */
  function openIfUnusual(details, usual) {
    const differs = ([id, value]) => !['', value].includes(trimmed($('#node-config-input-' + id).val()));
    details.prop('open', Object.entries(usual).some(differs));
  }

  window.TheKeys = window.TheKeys || {};
  window.TheKeys.fields = {
    advise,
    adviseSharedState,
    check,
    choice,
    flag,
    isOneOf,
    isVariable,
    labelStyle,
    offer,
    openIfUnusual,
    parsed,
    showWhen,
    title,
    trimmed,
    validators,
  };
})();
