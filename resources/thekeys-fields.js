/**
 * What the dialogs of all node types share: which fields to show, and what may stand in one. A field that holds an environment
 * variable is always fine, because the editor cannot know its value. The words are left to each node's locale files.
 */
(function () {
  'use strict';

  /** True where a value is, or holds, an environment variable. */
  const isVariable = (value) => String(value ?? '').includes('${');

  const trimmed = (value) => String(value ?? '').trim();

  /** Plain http is for this machine alone: what travels in the clear must not leave it. */
  const LOCAL = /^http:\/\/(localhost|127(\.\d+){3}|\[::1\])(:\d+)?(\/|$)/i;

  /** Each is true where the value may stay. */
  const validators = {
    identifier: (value) => {
      const text = trimmed(value);
      return text === '' || isVariable(text) || /^\d+$/.test(text);
    },
    seconds: (value, zero) => {
      const text = trimmed(value);
      return text === '' || isVariable(text) || Number(text) > 0 || (zero === true && Number(text) === 0);
    },
    host: (value) => {
      const text = trimmed(value);
      return isVariable(text) || /^(http:\/\/)?(\[[0-9a-f:.]+\]|[^\s/:@?#[\]]+)(:\d{1,5})?\/?$/i.test(text);
    },
    endpoint: (value) => {
      const text = trimmed(value);
      return text === '' || isVariable(text) || /^https:\/\/[^\s/]+/i.test(text) || LOCAL.test(text);
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

  /** Shows, of elements marked with `data-when`, those that name the chosen value. An empty choice is the first one. */
  function showWhen(select, form) {
    if (!select.val()) select.prop('selectedIndex', 0);
    select
      .on('change', () => {
        form.find('[data-when]').each(function () {
          $(this).toggle(this.dataset.when.split(' ').includes(select.val()));
        });
      })
      .trigger('change');
  }

  /** Settings that hardly anybody needs wait behind a summary, but one that differs from the usual must not hide. */
  function openIfUnusual(details, usual) {
    const differs = ([id, value]) => !['', value].includes(trimmed($('#node-config-input-' + id).val()));
    details.prop('open', Object.entries(usual).some(differs));
  }

  window.TheKeys = window.TheKeys || {};
  window.TheKeys.fields = { check, isOneOf, isVariable, labelStyle, openIfUnusual, showWhen, trimmed, validators };
})();
