/**
 * Buttons that ask the runtime something: the answer stands below them, as sentences or as rows to choose from. A typed
 * value always counts; everything here only fills it in.
 */
import { isRecord } from '../src/common/json';
import { beside, button, element, icon, shared, statusArea } from './elements';
import { trimmed, type Words } from './rules';

/** Sends a request to the runtime. @throws Failure */
export async function ask(method: 'GET' | 'POST', path: string, body?: object): Promise<Record<string, unknown>> {
  const sent = body === undefined ? {} : { contentType: 'application/json', data: JSON.stringify(body) };
  let answer: unknown;
  try {
    answer = await $.ajax({ method, url: `thekeys-gateway/${path}`, dataType: 'json', ...sent });
  } catch (request) {
    const { status } = request as { status?: number };
    throw new Failure({ code: status === 401 || status === 403 ? 'NOT_PERMITTED' : 'NO_ANSWER' });
  }
  if (!isRecord(answer)) throw new Failure({ code: 'NO_ANSWER' });
  if (isRecord(answer.error)) throw new Failure(answer.error);
  return answer;
}

/** What went wrong, as the runtime says it: a code, what is at fault where that is more than the code, and English words. */
export class Failure extends Error {
  readonly code: string;

  constructor(readonly said: Readonly<Record<string, unknown>>) {
    super(trimmed(said.message));
    this.code = String(said.code);
  }
}

/** A failure as a sentence that says what to do: in the dialog's own words, in those that all share, or in English. */
export function sentence(error: unknown, own?: Words): string {
  if (!(error instanceof Failure)) return String(error);
  const { code, message, said } = error;
  const hint = trimmed(said.hint) || message;
  const find = (words: Words, name: string): string => {
    const found = words(`error.${name}`);
    // The editor gives the key back where it has no words.
    return name === '' || found.endsWith(`error.${name}`) ? '' : found;
  };
  const special = own === undefined ? '' : find(own, code);
  if (special !== '') return message === '' ? special : `${special} (${message})`;
  const precise = find(shared, trimmed(said.about));
  if (precise !== '') return precise;
  if (code !== 'INVALID_INPUT') return find(shared, code) || hint || shared('error.NO_ANSWER');
  // What is wrong with an input only the message says.
  return own === undefined ? `${find(shared, code)} (${message})` : hint;
}

/** What came of a request: sentences, each good, bad or neither, and rows to choose from. */
export interface Answer {
  lines: readonly { text: string; good?: boolean | undefined }[];
  rows?: readonly Row[];
}
export const good = (text: string): Answer => ({ lines: [{ text, good: true }] });
export const bad = (text: string): Answer => ({ lines: [{ text, good: false }] });

type Work = () => Promise<Answer | undefined> | Answer | undefined;

export interface Row {
  icon: string;
  main: string;
  more?: string;
  choose: Work;
  /** What is said while the choice is at work. */
  busy?: string;
}

export interface Request {
  icon: string;
  label: string;
  /** What the answer is about: when it changes, the answer goes. */
  about?: readonly JQuery[];
  /** The same, of inputs that must not be empty, each by the words that say so. */
  needs?: Readonly<Record<string, JQuery>>;
  /** Words of the dialog for errors, `error.<CODE>`. */
  words?: Words;
  run: Work;
}

/** Shows an answer in the place for it; `start` begins the work of a row that is chosen. */
export function showAnswer(area: HTMLElement, { lines, rows = [] }: Answer, start?: (row: Row) => void): void {
  const isBad = lines.some((line) => line.good === false);
  area.classList.toggle('thekeys-bad', isBad);
  area.classList.toggle('thekeys-good', !isBad && lines.some((line) => line.good));
  const symbol = (isGood?: boolean): string => (isGood === undefined ? 'circle-o' : isGood ? 'check' : 'times');
  const marks = (isGood?: boolean): (Node | string)[] => (lines.length > 1 ? [icon(symbol(isGood)), ' '] : []);
  area.replaceChildren(...lines.map(({ text, good: isGood }) => element('div', {}, ...marks(isGood), text)));
  if (rows.length === 0) return;
  const choices = rows.map((row) =>
    element(
      'button',
      { type: 'button', class: 'red-ui-button thekeys-choice', onclick: () => start?.(row) },
      icon(row.icon),
      element('strong', {}, row.main),
      element('span', { class: 'thekeys-more' }, row.more ?? ''),
    ),
  );
  area.append(element('div', { class: 'thekeys-choices' }, ...choices));
}

/** A button that sends a request. While it waits it keeps the cursor, so that the next Tab goes on from here. */
export function requestButton(area: HTMLElement, { icon: symbol, label, about = [], needs = {}, words, run }: Request) {
  let edition = 0;
  const start = async (work: Work, busy = shared('setup.asking')): Promise<void> => {
    made.setAttribute('aria-disabled', 'true');
    showAnswer(area, { lines: [{ text: busy }] });
    edition += 1;
    const sent = edition;
    const answer = await (async () => work())().catch((error: unknown) => bad(sentence(error, words)));
    made.removeAttribute('aria-disabled');
    // What was found out about other settings is not shown.
    if (sent === edition) showAnswer(area, answer ?? { lines: [] }, (row) => void start(row.choose, row.busy));
  };
  const made = button(symbol, label, () => {
    if (made.getAttribute('aria-disabled') === 'true') return;
    const [missing, input] = Object.entries(needs).find(([, each]) => trimmed(each.val()) === '') ?? [];
    input?.trigger('focus');
    void start(missing === undefined ? run : () => bad(shared(`setup.${missing}`)));
  });
  for (const input of [...about, ...Object.values(needs)]) {
    input.on('input change', () => {
      edition += 1;
      showAnswer(area, { lines: [] });
    });
  }
  return made;
}

/** Puts a button that sends a request beside an input, and a place for its answer below. */
export function requestBeside(input: JQuery, request: Request): void {
  const area = statusArea();
  beside(input, requestButton(area, request));
  input.closest('.form-row').append(area);
}

/**
 * Fills the row `thekeys-test` of a configuration with a button for each request, and one that copies what a report of a
 * problem should have.
 */
export function requestRow(node: EditedNode, ...requests: readonly Request[]): HTMLButtonElement[] {
  const area = statusArea();
  const diagnostics: Request = {
    icon: 'stethoscope',
    label: shared('button.diagnostics'),
    run: async () => {
      const text = JSON.stringify(await ask('GET', `diagnostics/${node.type}/${node.id}`), undefined, 2);
      return RED.clipboard.copyText(text) ? good(shared('setup.diagnosticsCopied')) : { lines: [{ text }] };
    },
  };
  const buttons = [...requests, diagnostics].map((request) => requestButton(area, request));
  $('#thekeys-test').append(element('div', { class: 'thekeys-buttons' }, ...buttons), area);
  return buttons;
}
