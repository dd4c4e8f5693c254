/**
 * Buttons that ask the runtime something: what came of it stands below them, as a verdict or as rows to choose from, in words
 * that say what to do. A typed value always counts; everything here only fills it in.
 */
import { isRecord } from '../src/common/json';
import { button, element, icon, shared, typed } from './fields';
import { trimmed } from './rules';

/** Asks the runtime. @throws Failure */
export async function ask(method: 'GET' | 'POST', path: string, body?: object): Promise<Record<string, unknown>> {
  const sent = body === undefined ? {} : { contentType: 'application/json', data: JSON.stringify(body) };
  let answer: unknown;
  try {
    answer = await $.ajax({ method, url: `thekeys-gateway/${path}`, dataType: 'json', ...sent });
  } catch (request) {
    const { status } = request as { status?: number };
    throw failure({ code: status === 401 || status === 403 ? 'NOT_PERMITTED' : 'NO_ANSWER' });
  }
  if (!isRecord(answer)) throw failure({ code: 'NO_ANSWER' });
  if (isRecord(answer.error)) throw failure(answer.error);
  return answer;
}

/** What went wrong. */
export class Failure extends Error {
  constructor(
    readonly code: string,
    /** What is at fault, where that is more than the code says. */
    readonly about: string,
    /** What to do, in English. */
    readonly hint: string,
    /** What happened, in English. */
    readonly detail: string,
  ) {
    super(code);
  }
}

function failure({ code, about, message, hint }: Record<string, unknown>): Failure {
  return new Failure(String(code), trimmed(about), trimmed(hint) || trimmed(message), trimmed(message));
}

/** What went wrong, as a sentence that says what to do: in the dialog's own words, in those that all share, or in English. */
export function sentence(error: unknown, own?: (key: string) => string): string {
  if (!(error instanceof Failure)) return String(error);
  const { code, about, hint, detail } = error;
  const wordsIn = (words: (key: string) => string, name: string): string => {
    const found = words(`error.${name}`);
    // The editor gives the key back where it has no words.
    return name === '' || found.endsWith(`error.${name}`) ? '' : found;
  };
  const special = own === undefined ? '' : wordsIn(own, code);
  if (special !== '') return detail === '' ? special : `${special} (${detail})`;
  const precise = wordsIn(shared, about);
  if (precise !== '') return precise;
  if (code !== 'INVALID_INPUT') return wordsIn(shared, code) || hint || shared('error.NO_ANSWER');
  // What is wrong with an input only the detail says.
  return own === undefined ? `${wordsIn(shared, code)} (${detail})` : hint;
}

/** One line of a verdict that has several. */
export interface Line {
  text: string;
  good?: boolean | undefined;
}

export interface Row {
  icon: string;
  main: string;
  more: string;
}

/** Where an answer is shown. */
export interface Verdict {
  say(text: string, kind?: 'good' | 'bad'): void;
  hide(): void;
  /** Several sentences, each good, bad or neither. */
  list(lines: readonly Line[]): void;
  /** Rows to choose from. What is chosen may be asked about in turn. */
  offer<R extends Row>(
    text: string,
    rows: readonly R[],
    choose: (row: R, shown: Verdict) => Promise<void> | void,
  ): void;
}

/** A place for results below a row, read out by screen readers. Never removed, only emptied. */
export class Result {
  readonly area = element('div', { class: 'thekeys-result', role: 'status', 'aria-live': 'polite' });

  say(text: string, kind?: 'good' | 'bad'): void {
    this.area.className = `thekeys-result${kind === undefined ? '' : ` thekeys-${kind}`}`;
    this.area.replaceChildren(element('div', {}, text));
  }

  hide(): void {
    this.area.className = 'thekeys-result';
    this.area.replaceChildren();
  }

  list(lines: readonly Line[]): void {
    this.say('', lines.some(({ good }) => good === false) ? 'bad' : 'good');
    const symbol = ({ good }: Line): string => (good === undefined ? 'circle-o' : good ? 'check' : 'times');
    this.area.replaceChildren(...lines.map((line) => element('div', {}, icon(symbol(line)), ' ', line.text)));
  }

  offer<R extends Row>(text: string, rows: readonly R[], choose: (row: R) => void): void {
    this.say(text);
    const choices = rows.map((row) =>
      element(
        'button',
        {
          type: 'button',
          class: 'red-ui-button thekeys-choice',
          onclick: () => {
            this.hide();
            choose(row);
          },
        },
        icon(row.icon),
        element('span', { class: 'thekeys-main' }, row.main),
        element('span', { class: 'thekeys-more' }, row.more),
      ),
    );
    this.area.append(element('div', { class: 'thekeys-choices' }, ...choices));
  }
}

export interface Question {
  icon: string;
  label: string;
  /** What the answer is about: when it changes, the answer goes. */
  about: readonly JQuery[];
  /** Words of the dialog for errors, `error.<CODE>`. */
  words?: (key: string) => string;
  run: (shown: Verdict) => Promise<void> | void;
}

/** A button that asks. While it waits it keeps the cursor, so that the next Tab goes on from here. */
export function asking(result: Result, { icon: symbol, label, about, words, run }: Question): HTMLButtonElement {
  let edition = 0;
  const start = (work: Question['run']): void => {
    made.setAttribute('aria-disabled', 'true');
    result.say(shared('setup.asking'));
    const asked = ++edition;
    // What was found out about other settings is not shown.
    const unseen = new Result();
    let isAnswered = false;
    const inTime = (): Result => {
      isAnswered = true;
      return asked === edition ? result : unseen;
    };
    void Promise.resolve(
      work({
        say: (...words) => inTime().say(...words),
        hide: () => inTime().hide(),
        list: (lines) => inTime().list(lines),
        offer: (text, rows, choose) => inTime().offer(text, rows, (row) => start((shown) => choose(row, shown))),
      }),
    )
      .catch((error: unknown) => inTime().say(sentence(error, words), 'bad'))
      .finally(() => {
        if (!isAnswered) inTime().hide();
        made.removeAttribute('aria-disabled');
      });
  };
  const made = button(symbol, label, () => {
    if (made.getAttribute('aria-disabled') !== 'true') start(run);
  });
  for (const input of about) {
    input.on('input change', () => {
      edition += 1;
      result.hide();
    });
  }
  return made;
}

/** Puts a button that asks beside an input, and a place for results below. */
export function askBeside(input: JQuery, question: Question): { button: HTMLButtonElement; result: Result } {
  const result = new Result();
  const made = asking(result, question);
  const beside = element('div', { class: 'thekeys-field' });
  input.before(beside);
  $(beside).append(input, made).closest('.form-row').append(result.area);
  return { button: made, result };
}

/** Says what keeps a request from being made, in the place of its result. */
export function lacks(shown: Verdict, needs: readonly (readonly [JQuery, string])[]): boolean {
  const missing = needs.find(([input]) => typed(input) === '');
  if (missing === undefined) return false;
  shown.say(shared(`setup.${missing[1]}`), 'bad');
  missing[0].trigger('focus');
  return true;
}
