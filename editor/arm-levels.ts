/** The levels of a security system as rows: a name for messages, and what people say for it in each language. */
import { isRecord } from '../src/common/json';
import type { ArmLevel } from '../src/google/device-settings';
import { button, element, iconButton, select } from './elements';
import { listOf, parsed, trimmed, type Words } from './rules';

/** Languages in which Google understands names of levels. */
const LANGUAGES = 'en da de es fr hi id it ja ko nl no pl pt ru sv th zh'.split(' ');

type LevelWords = ArmLevel['level_values'][number];

const NO_WORDS: LevelWords = { lang: 'en', level_synonym: [] };

/** The levels as they are saved, also from a flow written by hand. */
function levelsOf(saved: unknown): ArmLevel[] {
  const list = parsed(saved);
  return (Array.isArray(list) ? list : []).map((level: unknown) => {
    const { level_name: name, level_values: values } = isRecord(level) ? level : {};
    return {
      level_name: trimmed(name),
      level_values: (Array.isArray(values) ? values : []).filter(isRecord).map(({ lang, level_synonym: words }) => ({
        level_synonym: (Array.isArray(words) ? words : []).map(String),
        lang: trimmed(lang) || 'en',
      })),
    };
  });
}

export const levelNames = (saved: unknown): string[] => levelsOf(saved).map(({ level_name: name }) => name);

/** Makes `list` a list of rows. `changed` is called whenever names may have changed. */
export function levelRows(list: JQuery, saved: unknown, words: Words, changed: () => void): void {
  list.editableList<ArmLevel>({
    addButton: words('button.addLevel'),
    sortable: true,
    removable: true,
    height: 'auto',
    addItem: (container, _index, { level_name: name = '', level_values: values = [] }: Partial<ArmLevel>) => {
      const named = element('input', {
        type: 'text',
        class: 'thekeys-device-name',
        'aria-label': words('label.levelName'),
        placeholder: words('placeholder.levelName'),
        value: name,
        oninput: changed,
      });
      const add = button('plus', words('button.addWords'), () => {
        const row = wordsRow(words, NO_WORDS);
        container.append(row);
        row.querySelector('select')?.focus();
      });
      const rows = (values.length > 0 ? values : [NO_WORDS]).map((each) => wordsRow(words, each));
      container.addClass('thekeys-device-level').append(named, add, ...rows);
      // The list's own link has no name for screen readers.
      const remove = container.closest('li').find('.red-ui-editableList-item-remove');
      remove.attr('aria-label', words('button.removeLevel'));
      setTimeout(() => {
        changed();
        // A row without content was asked for just now.
        if (name === '') named.focus();
      }, 0);
    },
    removeItem: () => {
      changed();
      // The cursor was in what is gone now.
      if (document.activeElement === document.body) addLevel.trigger('focus');
    },
  });
  // The list's own button is a size smaller than the others of these dialogs.
  const addLevel = list.closest('.red-ui-editableList').find('.red-ui-editableList-addButton');
  addLevel.removeClass('red-ui-button-small');
  for (const level of levelsOf(saved)) list.editableList('addItem', level);
}

/** One language's words for a level. */
function wordsRow(words: Words, { lang, level_synonym: synonyms }: LevelWords): HTMLElement {
  const languages = [...new Set([...LANGUAGES, lang])].map((code) => [code, code] as const);
  const language = select(languages, lang, { 'aria-label': words('label.language') });
  const field = element('input', {
    type: 'text',
    'aria-label': words('label.words'),
    placeholder: words('placeholder.words'),
    value: synonyms.join(', '),
  });
  const remove = iconButton('remove', words('button.removeWords'), () => {
    const level = row.parentElement;
    row.remove();
    [...(level?.querySelectorAll('input') ?? [])].at(-1)?.focus();
  });
  remove.classList.add('red-ui-button-small');
  const row = element('div', { class: 'thekeys-device-words' }, language, field, remove);
  return row;
}

/** The levels as they stand in the rows. One without a name, but with words, stays: the node then asks for the name. */
export function readLevels(list: JQuery): ArmLevel[] {
  const items = list.editableList('items').toArray();
  return items
    .map((item) => ({
      level_name: trimmed($(item).find('.thekeys-device-name').val()),
      level_values: $(item)
        .find('.thekeys-device-words')
        .toArray()
        .map((row) => ({
          level_synonym: listOf($(row).find('input').val()),
          lang: String($(row).find('select').val()),
        }))
        .filter(({ level_synonym: words }) => words.length > 0),
    }))
    .filter((level) => level.level_name !== '' || level.level_values.length > 0);
}
