/**
 * What the model builder of sber-models knows about device models, apart from the page: a model as it is being edited, the
 * JSON that is saved from it, and what is worth telling about it. Showing all that is left to sber-model-builder.js.
 * The facts come from Sber's catalogue, which the caller hands in.
 */
(function () {
  'use strict';

  const TEXTS = ['id', 'manufacturer', 'model', 'hw_version', 'sw_version', 'description'];
  /** Without these the structure of a model is broken, so the node is marked as not ready. */
  const REQUIRED = ['id', 'manufacturer', 'model', 'category'];
  const NO_CATEGORY = { mandatory: [], oneOf: [], optional: [] };

  const own = (object, key) => (Object.prototype.hasOwnProperty.call(object, key) ? object[key] : undefined);
  const isObject = (value) => typeof value === 'object' && value !== null && !Array.isArray(value);
  const text = (value) => (typeof value === 'string' ? value : typeof value === 'number' ? String(value) : '');
  const isTyped = (value) => value.trim() !== '';

  function categoryOf(catalogue, name) {
    return own(catalogue.categories, name) || NO_CATEGORY;
  }

  function isListed(category, name) {
    return category.mandatory.includes(name) || category.oneOf.includes(name) || category.optional.includes(name);
  }

  /**
   * A saved model as a draft. A draft remembers what was ticked and limited under any category, so that passing through
   * other categories with the arrow keys loses nothing.
   */
  function draftOf(catalogue, saved) {
    const model = isObject(saved) ? saved : {};
    const features = Array.isArray(model.features) ? model.features.filter((each) => typeof each === 'string') : [];
    const category = categoryOf(catalogue, text(model.category));
    const draft = {
      category: text(model.category),
      chosen: new Set(features),
      /** Functions that the category does not list: brought by the saved model or typed in. */
      extra: new Set(features.filter((name) => !isListed(category, name))),
      /** By function. Without a prototype: a saved function may be called `constructor`. */
      limits: Object.create(null),
      /** Whatever else the saved model holds (`dependencies`, for example) is kept as it is. */
      rest: {},
    };
    for (const key of TEXTS) draft[key] = text(model[key]);
    for (const [key, value] of Object.entries(model)) {
      if (!TEXTS.includes(key) && !['category', 'features', 'allowed_values'].includes(key)) draft.rest[key] = value;
    }
    if (isObject(model.allowed_values)) {
      for (const [name, entry] of Object.entries(model.allowed_values)) draft.limits[name] = limitOf(entry);
    }
    return draft;
  }

  /**
   * A saved limit, for the form. A range keeps its own type, which the catalogue may not know or call otherwise. A bound
   * that is left out beside the other one is 0, as Sber's answers have it, and not the catalogue's.
   */
  function limitOf(entry) {
    if (isObject(entry)) {
      const type = isObject(entry.integer_values) ? 'INTEGER' : 'FLOAT';
      const range = type === 'INTEGER' ? entry.integer_values : entry.float_values;
      if (isObject(range)) {
        const [min, max, step] = [range.min, range.max, range.step].map(text);
        const none = min === '' && max === '' ? '' : '0';
        return { type, min: min || none, max: max || none, step: step === '0' ? '' : step };
      }
      if (isObject(entry.enum_values) && Array.isArray(entry.enum_values.values)) {
        return { values: entry.enum_values.values.map(text) };
      }
    }
    return { raw: entry };
  }

  /** Facts of a function; undefined where the catalogue does not know it. */
  function factsOf(catalogue, name) {
    return own(catalogue.functions, name);
  }

  /** Whether the catalogue has a `function`, or a `category`, of that name. */
  function isKnown(catalogue, kind, name) {
    return own(kind === 'function' ? catalogue.functions : catalogue.categories, name) !== undefined;
  }

  /** Names of the functions to show, by group; `other` are those that the category does not list. */
  function groupsOf(catalogue, draft) {
    const category = categoryOf(catalogue, draft.category);
    return {
      mandatory: category.mandatory,
      oneOf: category.oneOf,
      optional: category.optional,
      other: [...draft.extra].filter((name) => !isListed(category, name)),
    };
  }

  function featuresOf(catalogue, draft) {
    const groups = groupsOf(catalogue, draft);
    return [
      ...groups.mandatory,
      ...[...groups.oneOf, ...groups.optional, ...groups.other].filter((name) => draft.chosen.has(name)),
    ];
  }

  /** An integer range is strings and has a step, a float range is numbers and has none: so the vendor writes them. */
  function allowedValue(facts, limit) {
    if (limit.raw !== undefined) return limit.raw;
    if (limit.values !== undefined) {
      const all = facts === undefined ? [] : facts.values || [];
      const ticked = new Set(limit.values);
      // A word that the catalogue lacks says more than no list at all.
      const isAll = ticked.size === all.length && all.every((each) => ticked.has(each));
      const narrowed = ticked.size > 0 && !isAll;
      return narrowed ? { type: 'ENUM', enum_values: { values: [...limit.values] } } : undefined;
    }
    const typed = ['min', 'max', 'step'].some((key) => isTyped(limit[key]));
    if (!typed) return undefined;
    const of = (key, otherwise) => (isTyped(limit[key]) ? limit[key].trim() : text(otherwise));
    const min = of('min', facts && facts.min);
    const max = of('max', facts && facts.max);
    if ((limit.type || (facts && facts.type)) === 'FLOAT') {
      return { type: 'FLOAT', float_values: { min: numberOf(min), max: numberOf(max) } };
    }
    const step = wholeOf(of('step', (facts && facts.step) || 1));
    return { type: 'INTEGER', integer_values: { min: wholeOf(min), max: wholeOf(max), step } };
  }

  /** What is no number stays as it was typed: null, which JSON makes of NaN, would be taken for 0. */
  function numberOf(typed) {
    return isTyped(typed) && Number.isFinite(Number(typed)) ? Number(typed) : typed;
  }

  /** A field for numbers takes `1e3` and `10.0` too; Sber's integers have digits only. */
  function wholeOf(typed) {
    return isTyped(typed) && Number.isSafeInteger(Number(typed)) ? String(Number(typed) || 0) : typed;
  }

  /** The model as it is saved in the node and sent to Sber. Fields left empty are left out. */
  function modelOf(catalogue, draft) {
    const features = featuresOf(catalogue, draft);
    const model = {};
    for (const key of TEXTS) if (isTyped(draft[key]) || REQUIRED.includes(key)) model[key] = draft[key].trim();
    model.category = draft.category.trim();
    model.features = features;
    const allowed = {};
    for (const name of features) {
      const limit = own(draft.limits, name);
      const entry = limit === undefined ? undefined : allowedValue(factsOf(catalogue, name), limit);
      if (entry !== undefined) allowed[name] = entry;
    }
    if (Object.keys(allowed).length > 0) model.allowed_values = allowed;
    return Object.assign(model, draft.rest);
  }

  /** A copy under an id that no other draft has: two models with one id overwrite each other in the cloud. */
  function copyOf(catalogue, draft, taken) {
    const copy = draftOf(catalogue, JSON.parse(JSON.stringify(modelOf(catalogue, draft))));
    const stem = draft.id.trim();
    if (stem !== '') {
      let number = 2;
      while (taken.includes(`${stem}-${number}`)) number += 1;
      copy.id = `${stem}-${number}`;
    }
    return copy;
  }

  function rangeRemarks(facts, name, limit) {
    const remarks = [];
    const number = (key) => (isTyped(limit[key]) ? Number(limit[key]) : undefined);
    const [min, max, step] = [number('min'), number('max'), number('step')];
    const typed = [min, max, step].filter((each) => each !== undefined);
    const isWhole = (limit.type || facts.type) === 'INTEGER';
    if (typed.some((each) => !Number.isFinite(each) || (isWhole && !Number.isInteger(each)))) {
      remarks.push({ code: isWhole ? 'notWhole' : 'notNumber', name, grave: true });
      return remarks;
    }
    const low = min === undefined ? facts.min : min;
    const high = max === undefined ? facts.max : max;
    if (low > high) remarks.push({ code: 'backwards', name, grave: true });
    if (low < facts.min || high > facts.max) {
      remarks.push({ code: 'tooWide', name, values: { min: facts.min, max: facts.max } });
    }
    if (step !== undefined && step <= 0) remarks.push({ code: 'badStep', name, grave: step < 0 });
    return remarks;
  }

  function limitRemarks(facts, name, limit) {
    if (limit.values !== undefined) {
      const unknown = limit.values.filter((each) => facts.values && !facts.values.includes(each));
      return [
        ...(limit.values.length === 0 ? [{ code: 'noValue', name }] : []),
        ...unknown.map((value) => ({ code: 'unknownValue', name, values: { value } })),
      ];
    }
    return limit.raw === undefined ? rangeRemarks(facts, name, limit) : [];
  }

  /**
   * What is worth telling about each draft, in the order of the drafts: `{ code, name?, values?, grave }`. `name` is a
   * function; `grave` means that Sber cannot take the model like this, everything else is only likely to be refused.
   */
  function remarksOn(catalogue, drafts) {
    const ids = drafts.map((draft) => draft.id.trim());
    return drafts.map((draft, index) => {
      const remarks = [];
      for (const key of REQUIRED) if (!isTyped(draft[key])) remarks.push({ code: `${key}Missing`, grave: true });
      if (ids[index] !== '' && ids.indexOf(ids[index]) !== index) remarks.push({ code: 'idTwice', grave: true });
      for (const key of ['hw_version', 'sw_version']) {
        if (draft[key].trim().toLowerCase() === 'unknown') remarks.push({ code: 'versionUnknown' });
      }
      const category = own(catalogue.categories, draft.category);
      if (isTyped(draft.category) && category === undefined) remarks.push({ code: 'categoryUnknown' });
      const features = featuresOf(catalogue, draft);
      if (isTyped(draft.category) && features.length === 0) remarks.push({ code: 'noFunction', grave: true });
      if (category !== undefined && category.oneOf.length > 0) {
        if (!category.oneOf.some((name) => draft.chosen.has(name))) remarks.push({ code: 'oneOfMissing' });
      }
      for (const name of features) {
        const facts = factsOf(catalogue, name);
        if (facts === undefined) remarks.push({ code: 'functionUnknown', name });
        else if (category !== undefined && !isListed(category, name)) remarks.push({ code: 'functionForeign', name });
        const limit = own(draft.limits, name);
        if (facts !== undefined && limit !== undefined) remarks.push(...limitRemarks(facts, name, limit));
      }
      return remarks;
    });
  }

  /** What keeps saved models from being sent, without the catalogue: for the node's own mark. Null: nothing. */
  function firstFault(models) {
    if (!Array.isArray(models)) return { number: 0, code: 'notModels' };
    const ids = new Set();
    for (const [index, model] of models.entries()) {
      const number = index + 1;
      if (!isObject(model)) return { number, code: 'notModels' };
      for (const key of REQUIRED) if (!isTyped(text(model[key]))) return { number, code: `${key}Missing` };
      if (ids.has(model.id)) return { number, code: 'idTwice' };
      ids.add(model.id);
      if (!Array.isArray(model.features) || model.features.length === 0) return { number, code: 'noFunction' };
      if (isObject(model.allowed_values) && !Object.values(model.allowed_values).every(isSound)) {
        return { number, code: 'badRange' };
      }
    }
    return null;
  }

  /** Whether a range could be sent: numbers of its kind, the lower bound below the upper one. Anything else passes. */
  function isSound(entry) {
    const { integer_values: whole, float_values: float } = isObject(entry) ? entry : {};
    const range = isObject(whole) ? whole : float;
    if (!isObject(range)) return true;
    const isNumber = (each) => isTyped(each) && Number.isFinite(Number(each));
    const isDigits = (each) => /^[+-]?\d+$/.test(each);
    const [min, max, step] = [range.min, range.max, range.step].map((each) => text(each ?? 0));
    const ofItsKind = range === whole ? [min, max, step].every(isDigits) : [min, max].every(isNumber);
    return ofItsKind && Number(min) <= Number(max) && !(range === whole && Number(step) < 0);
  }

  window.TheKeys = window.TheKeys || {};
  window.TheKeys.sberModels = { draftOf, modelOf, copyOf, factsOf, isKnown, groupsOf, remarksOn, firstFault };
})();
