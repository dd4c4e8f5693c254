/**
 * The model builder in the dialog of sber-models: device models as rows, each opened into a form made from Sber's
 * catalogue. Made for people who do not write JSON; what is saved is shown to those who do. The rules are in
 * sber-model-rules.js, the words in the node's locale files.
 */
(function () {
  'use strict';

  const TEXT_FIELDS = ['id', 'manufacturer', 'model', 'description', 'hw_version', 'sw_version'];
  const COPIED_MS = 2000;
  let serial = 0;

  /** An element with attributes (`class`, `type`, …), event handlers (`onclick`, …) and content. */
  function element(tag, attributes, ...content) {
    const made = document.createElement(tag);
    for (const [name, value] of Object.entries(attributes || {})) {
      if (name.startsWith('on')) made.addEventListener(name.slice(2), value);
      else if (value === true) made.setAttribute(name, '');
      else if (value !== false && value !== undefined && value !== null) made.setAttribute(name, String(value));
    }
    made.append(...content.filter((each) => each !== null && each !== undefined));
    return made;
  }

  /**
   * Builds the rows in `container`.
   * `options`: `catalogue` (functions, categories), `models` (as saved), `t(key, values)` (words), `copy(text)`, and
   * `fetchModels()`, a promise of the models that Sber has, refused with a reason in words.
   * The answer's `models()` gives the models as they are to be saved.
   */
  function build(container, { catalogue, models, t, copy, fetchModels }) {
    const rules = window.TheKeys.sberModels;
    const rows = models.map((model) => ({ key: ++serial, draft: rules.draftOf(catalogue, model), open: false }));
    if (rows.length === 1) rows[0].open = true;

    const list = element('ol', { class: 'thekeys-sber-rows' });
    const empty = element('p', { class: 'thekeys-sber-empty' }, t('builder.empty'));
    const add = button('fa-plus', t('builder.add'), addRow);
    const take = button('fa-cloud-download', t('builder.fetch'), takeOver);
    const taken = element('span', { role: 'status', class: 'thekeys-sber-taken' });
    const preview = element('pre', { class: 'thekeys-sber-json', tabindex: '0', 'aria-label': t('builder.json') });
    const copyButton = button('fa-clipboard', t('builder.copy'), () => {
      copy(preview.textContent);
      copyButton.lastChild.textContent = t('builder.copied');
      setTimeout(() => (copyButton.lastChild.textContent = t('builder.copy')), COPIED_MS);
    });
    const json = element(
      'details',
      { class: 'thekeys-sber-preview' },
      element('summary', {}, t('builder.json')),
      preview,
      copyButton,
    );
    container.replaceChildren(empty, list, element('div', { class: 'thekeys-sber-actions' }, add, take, taken), json);
    for (const row of rows) list.append(render(row));
    refresh();

    function button(icon, label, onclick) {
      return element(
        'button',
        { type: 'button', class: 'red-ui-button', onclick },
        element('i', { class: `fa ${icon}`, 'aria-hidden': 'true' }),
        ' ',
        element('span', {}, label),
      );
    }

    function iconButton(icon, label, onclick) {
      return element(
        'button',
        { type: 'button', class: 'red-ui-button', title: label, 'aria-label': label, onclick },
        element('i', { class: `fa ${icon}`, 'aria-hidden': 'true' }),
      );
    }

    /** Readable name of a function or category; one that the catalogue lacks is called by its own name. */
    function nameOf(kind, name) {
      // Anything may be asked for a word, also what means something to the catalogue of words (`a:b`).
      if (!rules.isKnown(catalogue, kind, name)) return name;
      const key = `${kind}.${name}`;
      const found = t(key);
      return found === key || found.endsWith(`.${key}`) || found === '' ? name : found;
    }

    function addRow() {
      const last = rows[rows.length - 1];
      const row = { key: ++serial, draft: rules.draftOf(catalogue, {}), open: true };
      // Whoever registers several models makes them all.
      if (last !== undefined) row.draft.manufacturer = last.draft.manufacturer;
      insert(rows.length, row);
    }

    function insert(position, row) {
      rows.splice(position, 0, row);
      list.insertBefore(render(row), list.children[position] || null);
      refresh();
      row.inputs.id.focus();
    }

    /** Adds what Sber has under ids that are not here yet. What is here may be newer, so it stays. */
    function takeOver() {
      // Not `disabled`, which would take the cursor away from it.
      if (take.getAttribute('aria-disabled') === 'true') return;
      take.setAttribute('aria-disabled', 'true');
      taken.textContent = t('builder.fetching');
      fetchModels().then(
        (found) => {
          const here = rows.map((row) => row.draft.id.trim());
          const fresh = found.filter((model) => !here.includes(model.id));
          for (const model of fresh) {
            const row = { key: ++serial, draft: rules.draftOf(catalogue, model), open: false };
            rows.push(row);
            list.append(render(row));
          }
          refresh();
          told(t('builder.fetched', { added: fresh.length, known: found.length - fresh.length }));
        },
        (reason) => told(t('builder.fetchFailed', { reason })),
      );
      const told = (text) => {
        taken.textContent = text;
        take.removeAttribute('aria-disabled');
      };
    }

    function remove(row) {
      const position = rows.indexOf(row);
      rows.splice(position, 1);
      row.item.remove();
      refresh();
      const next = rows[Math.min(position, rows.length - 1)];
      if (next === undefined) add.focus();
      else next.head.focus();
    }

    function duplicate(row) {
      const taken = rows.map((each) => each.draft.id.trim());
      insert(rows.indexOf(row) + 1, { key: ++serial, draft: rules.copyOf(catalogue, row.draft, taken), open: true });
    }

    /** Everything that depends on what was typed: heads, remarks, JSON. Inputs are left alone, so typing is never disturbed. */
    function refresh() {
      const remarks = rules.remarksOn(
        catalogue,
        rows.map((row) => row.draft),
      );
      rows.forEach((row, index) => {
        showHead(row, index, remarks[index]);
        showRemarks(row, remarks[index]);
      });
      empty.hidden = rows.length > 0;
      json.hidden = rows.length === 0;
      preview.textContent = JSON.stringify(saved(), null, 2);
    }

    function saved() {
      return rows.map((row) => rules.modelOf(catalogue, row.draft));
    }

    function showHead(row, index, remarks) {
      const { draft } = row;
      const title = draft.model.trim() || draft.id.trim() || t('builder.unnamed', { number: index + 1 });
      row.title.textContent = title;
      const count = rules.modelOf(catalogue, draft).features.length;
      row.subtitle.textContent = draft.category
        ? `${nameOf('category', draft.category)} · ${t('builder.functionCount', { number: count })}`
        : t('builder.noCategory');
      row.mark.hidden = remarks.length === 0;
      row.mark.className = `fa fa-exclamation-triangle ${remarks.some((each) => each.grave) ? 'thekeys-sber-grave' : 'thekeys-sber-mild'}`;
      row.mark.title = t('builder.remarkCount', { number: remarks.length });
      row.mark.setAttribute('aria-label', row.mark.title);
      row.head.setAttribute('aria-expanded', String(row.open));
      row.arrow.className = `fa fa-angle-${row.open ? 'down' : 'right'}`;
      row.body.hidden = !row.open;
      row.tools.replaceChildren(
        iconButton('fa-clone', t('builder.duplicate', { name: title }), () => duplicate(row)),
        iconButton('fa-trash', t('builder.remove', { name: title }), () => remove(row)),
      );
    }

    function showRemarks(row, remarks) {
      const text = remarks.map(wordsOf).join('\n');
      if (row.told === text) return;
      row.told = text;
      row.remarks.replaceChildren(
        ...remarks.map((remark) =>
          element(
            'li',
            { class: remark.grave ? 'thekeys-sber-grave' : 'thekeys-sber-mild' },
            element('i', { class: 'fa fa-exclamation-triangle', 'aria-hidden': 'true' }),
            element('span', {}, wordsOf(remark)),
          ),
        ),
      );
    }

    function wordsOf(remark) {
      const name = remark.name === undefined ? '' : nameOf('function', remark.name);
      return t(`remark.${remark.code}`, { ...remark.values, name });
    }

    function render(row) {
      const id = `thekeys-sber-model-${row.key}`;
      row.title = element('strong', {});
      row.subtitle = element('span', { class: 'thekeys-sber-subtitle' });
      row.mark = element('i', { role: 'img' });
      row.arrow = element('i', { 'aria-hidden': 'true' });
      row.head = element(
        'button',
        {
          type: 'button',
          class: 'thekeys-sber-head',
          'aria-controls': id,
          onclick: () => {
            row.open = !row.open;
            refresh();
          },
        },
        row.arrow,
        element('span', { class: 'thekeys-sber-titles' }, row.title, row.subtitle),
        row.mark,
      );
      row.tools = element('span', { class: 'thekeys-sber-tools' });
      // Polite: a screen reader tells of a change when its user pauses.
      row.remarks = element('ul', { class: 'thekeys-sber-remarks' });
      row.functions = element('div', {});
      row.inputs = {};
      const fields = element('div', { class: 'thekeys-sber-fields' });
      for (const field of TEXT_FIELDS) fields.append(textField(row, id, field));
      row.body = element(
        'div',
        { id, class: 'thekeys-sber-body' },
        categoryField(row, id),
        fields,
        row.functions,
        element('div', { role: 'status' }, row.remarks),
      );
      row.item = element('li', {}, element('div', { class: 'thekeys-sber-line' }, row.head, row.tools), row.body);
      showFunctions(row, id);
      return row.item;
    }

    function textField(row, id, field) {
      const input = element('input', {
        type: 'text',
        id: `${id}-${field}`,
        placeholder: t(`placeholder.${field}`),
        autocomplete: 'off',
        oninput: () => {
          row.draft[field] = input.value;
          refresh();
        },
      });
      input.value = row.draft[field];
      row.inputs[field] = input;
      return element('div', {}, element('label', { for: input.id }, t(`field.${field}`)), input);
    }

    function categoryField(row, id) {
      const names = Object.keys(catalogue.categories).map((name) => [name, nameOf('category', name)]);
      names.sort(([, one], [, other]) => one.localeCompare(other));
      const current = row.draft.category;
      if (current !== '' && !names.some(([name]) => name === current)) names.push([current, current]);
      const select = element(
        'select',
        {
          id: `${id}-category`,
          onchange: () => {
            row.draft.category = select.value;
            showFunctions(row, id);
            refresh();
          },
        },
        element('option', { value: '' }, t('builder.chooseCategory')),
        ...names.map(([name, label]) => element('option', { value: name }, label)),
      );
      select.value = current;
      return element(
        'div',
        { class: 'thekeys-sber-category' },
        element('label', { for: select.id }, t('field.category')),
        select,
      );
    }

    function showFunctions(row, id) {
      const groups = rules.groupsOf(catalogue, row.draft);
      const parts = [];
      for (const group of ['mandatory', 'oneOf', 'optional', 'other']) {
        if (groups[group].length === 0 && !(group === 'other' && row.draft.category !== '')) continue;
        parts.push(
          element(
            'fieldset',
            {},
            element('legend', {}, t(`group.${group}`)),
            ...groups[group].map((name) => functionLine(row, id, name, group)),
            group === 'other' ? otherField(row, id) : null,
          ),
        );
      }
      row.functions.replaceChildren(...parts);
    }

    function functionLine(row, id, name, group) {
      const facts = rules.factsOf(catalogue, name);
      const locked = group === 'mandatory';
      const box = element('input', {
        type: 'checkbox',
        id: `${id}-fn-${name}`,
        disabled: locked,
        onchange: () => {
          if (box.checked) row.draft.chosen.add(name);
          else row.draft.chosen.delete(name);
          limits.hidden = !box.checked || !limits.dataset.open;
          narrow.hidden = !box.checked;
          refresh();
        },
      });
      box.checked = locked || row.draft.chosen.has(name);
      const told = element('span', { class: 'thekeys-sber-facts' });
      const limits = element('div', { class: 'thekeys-sber-limits', id: `${id}-limits-${name}`, hidden: true });
      const narrow = element(
        'button',
        {
          type: 'button',
          class: 'red-ui-button red-ui-button-small',
          'aria-expanded': 'false',
          'aria-controls': limits.id,
          'aria-label': t('builder.narrowOf', { name: nameOf('function', name) }),
          onclick: () => {
            limits.dataset.open = limits.dataset.open ? '' : 'yes';
            limits.hidden = !limits.dataset.open;
            narrow.setAttribute('aria-expanded', String(!limits.hidden));
            if (!limits.hidden) limits.querySelector('input').focus();
          },
        },
        t('builder.narrow'),
      );
      const tell = () => {
        told.textContent = summaryOf(facts, row.draft.limits[name]);
      };
      tell();
      const canNarrow = fillLimits(row, name, facts, limits, () => {
        tell();
        refresh();
      });
      narrow.hidden = !box.checked;
      return element(
        'div',
        { class: 'thekeys-sber-function' },
        element(
          'div',
          { class: 'thekeys-sber-line' },
          element(
            'label',
            { for: box.id },
            box,
            element('span', {}, nameOf('function', name)),
            nameOf('function', name) === name ? null : element('code', {}, name),
          ),
          told,
          canNarrow ? narrow : null,
        ),
        limits,
      );
    }

    /** The range or the words of a function, as far as the model uses them. */
    function summaryOf(facts, limit) {
      const unit = facts === undefined || facts.unit === undefined ? '' : ` ${facts.unit}`;
      if (limit !== undefined && limit.values !== undefined && limit.values.length > 0) return limit.values.join(', ');
      const range = limit !== undefined && limit.raw === undefined && limit.values === undefined ? limit : {};
      if (facts === undefined) return range.min ? `${range.min} – ${range.max}` : '';
      if (facts.type === 'ENUM') return facts.values.join(', ');
      if (facts.min === undefined) return t(`type.${facts.type}`);
      const step = range.step ? `, ${t('builder.everyStep', { step: range.step })}` : '';
      return `${range.min || facts.min} – ${range.max || facts.max}${unit}${step}`;
    }

    /** Fills the panel in which a range or a list of words is narrowed; false where nothing can be narrowed. */
    function fillLimits(row, name, facts, panel, changed) {
      if (facts === undefined) return false;
      if (facts.type === 'ENUM' && facts.values.length > 1) {
        fillWords(row, name, facts, panel, changed);
        return true;
      }
      if (facts.type === 'INTEGER' || facts.type === 'FLOAT') {
        fillRange(row, name, facts, panel, changed);
        return true;
      }
      return false;
    }

    function fillWords(row, name, facts, panel, changed) {
      const limit = row.draft.limits[name];
      const kept = limit !== undefined && limit.values !== undefined ? limit.values : [...facts.values];
      // Words of a saved model that the catalogue lacks stay to be seen, and to be unticked.
      const words = [...facts.values, ...kept.filter((word) => !facts.values.includes(word))];
      const boxes = words.map((word) => {
        const box = element('input', {
          type: 'checkbox',
          onchange: () => {
            const ticked = boxes.filter(([, each]) => each.checked).map(([each]) => each);
            if (ticked.length === words.length && words.length === facts.values.length) delete row.draft.limits[name];
            else row.draft.limits[name] = { values: ticked };
            changed();
          },
        });
        box.checked = kept.includes(word);
        return [word, box];
      });
      panel.append(
        element(
          'fieldset',
          {},
          element('legend', {}, t('builder.words', { name: nameOf('function', name) })),
          ...boxes.map(([word, box]) => element('label', {}, box, element('code', {}, word))),
        ),
      );
    }

    function fillRange(row, name, facts, panel, changed) {
      const limit = row.draft.limits[name];
      const current = limit !== undefined && limit.min !== undefined ? limit : { min: '', max: '', step: '' };
      const keys = facts.type === 'INTEGER' ? ['min', 'max', 'step'] : ['min', 'max'];
      const inputs = keys.map((key) => {
        const input = element('input', {
          type: 'number',
          id: `${panel.id}-${key}`,
          min: key === 'step' ? 1 : facts.min,
          max: key === 'step' ? facts.max - facts.min : facts.max,
          step: facts.type === 'INTEGER' ? 1 : 'any',
          placeholder: key === 'step' ? facts.step || 1 : facts[key],
          oninput: () => {
            const typed = { min: '', max: '', step: '' };
            keys.forEach((each, index) => (typed[each] = inputs[index].value));
            if (keys.some((each) => typed[each] !== '')) row.draft.limits[name] = typed;
            else delete row.draft.limits[name];
            changed();
          },
        });
        input.value = current[key];
        return input;
      });
      panel.append(
        element(
          'fieldset',
          {},
          element('legend', {}, t('builder.range', { name: nameOf('function', name) })),
          ...inputs.map((input, index) =>
            element('label', { for: input.id }, element('span', {}, t(`builder.${keys[index]}`)), input),
          ),
        ),
      );
    }

    function otherField(row, id) {
      const input = element('input', {
        type: 'text',
        id: `${id}-other`,
        placeholder: 'sleep_timer',
        autocomplete: 'off',
        onkeydown: (event) => {
          if (event.key !== 'Enter') return;
          event.preventDefault();
          event.stopPropagation();
          addOther();
        },
      });
      const addOther = () => {
        const name = input.value.trim();
        if (name === '') return;
        row.draft.extra.add(name);
        row.draft.chosen.add(name);
        showFunctions(row, id);
        refresh();
        document.getElementById(`${id}-other`).focus();
      };
      return element(
        'div',
        { class: 'thekeys-sber-other' },
        element('label', { for: input.id }, t('builder.other')),
        input,
        button('fa-plus', t('builder.addOther'), addOther),
      );
    }

    return { models: saved };
  }

  window.TheKeys = window.TheKeys || {};
  window.TheKeys.buildSberModels = build;
})();
