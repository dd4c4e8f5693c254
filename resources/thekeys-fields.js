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

  /** Shows, of elements marked with `data-when`, those that name the chosen value. */
  function showWhen(select, form) {
    select
      .on('change', () => {
        form.find('[data-when]').each(function () {
          $(this).toggle(this.dataset.when.split(' ').includes(select.val()));
        });
      })
      .trigger('change');
  }

  window.TheKeys = window.TheKeys || {};
  window.TheKeys.fields = { showWhen, validators };
})();
