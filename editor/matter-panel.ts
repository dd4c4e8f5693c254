/**
 * What a Matter bridge shows of itself in its dialog: the code to scan, the homes that are paired, and what keeps homes from
 * finding it. It asks the runtime anew while the dialog is open, for pairing happens on a phone beside it.
 */
/*! With QR Code Generator for JavaScript, Copyright (c) 2009 Kazuhiko Arase, under the MIT licence as in this package's LICENSE. */
import qrcode from 'qrcode-generator';
import { copyButton, element, statusArea } from './elements';
import { ask, bad, good, requestButton, sentence, showAnswer, type Answer } from './requests';
import type { Words } from './rules';

const PAUSE_MS = 2000;
const MINUTE_MS = 60_000;
const HELP =
  'https://github.com/node-red-contrib-thekeys-gateway/node-red-contrib-thekeys-gateway/blob/main/docs/matter.md#the-warning-not-certified';

interface Home {
  index: number;
  label: string;
  vendor: string;
}

/** As the runtime answers. */
interface Overview {
  status: { state: string; reason?: string; text?: string; restartInMs?: number };
  /** `openForMs`: 0: not now; null: until there is a home. */
  pairing: { qrText: string; manualCode: string; openForMs: number | null } | null;
  homes: Home[];
  findings: { key: string; values: Record<string, string> }[];
}

const nameOf = ({ label, vendor }: Home): string => (label === '' ? vendor : `${vendor} · ${label}`);

type RequestOf = (icon: string, key: string, run: () => Answer | Promise<Answer>) => HTMLButtonElement;

export function matterPanel(node: EditedNode, place: JQuery, words: Words): void {
  const [trouble, result] = [statusArea(), statusArea()];
  const code = element('div', { class: 'thekeys-columns' });
  const homes = element('div', { class: 'thekeys-matter-homes', role: 'group', 'aria-label': words('label.homes') });
  const request: RequestOf = (icon, key, run) =>
    requestButton(result, { icon, label: words(`button.${key}`), words, run });
  const another = request('plus', 'another', () => change('pair', 'paired'));
  const reset = request('undo', 'reset', () => question(words, 'reset', {}, () => change('reset', 'reset')));
  const actions = element('div', { class: 'thekeys-buttons' }, another, reset);
  actions.hidden = true;
  place.append(trouble, code, homes, actions, result);
  void refresh();

  async function refresh(): Promise<void> {
    try {
      show(await overview('status'));
    } catch (error) {
      const text = sentence(error, words);
      draw(trouble, text, () => showAnswer(trouble, bad(text)));
      for (const part of [code, homes]) draw(part, '', () => part.replaceChildren());
      actions.hidden = true;
    }
    // Gone with its dialog.
    setTimeout(() => code.isConnected && void refresh(), PAUSE_MS);
  }

  async function overview(what: string, more: object = {}): Promise<Overview> {
    return (await ask('POST', `matter/${what}`, { id: node.id, ...more })) as unknown as Overview;
  }

  async function change(what: string, done: string, values: object = {}, more: object = {}): Promise<Answer> {
    show(await overview(what, more));
    return good(words(`panel.${done}`, values));
  }

  function show({ status, pairing, homes: paired, findings }: Overview): void {
    const lines = linesOf(status, findings, words);
    draw(trouble, JSON.stringify(lines), () => showAnswer(trouble, { lines }));
    const openForMs = pairing?.openForMs ?? null;
    const minutes = openForMs === null ? null : Math.ceil(openForMs / MINUTE_MS);
    draw(code, JSON.stringify([pairing?.qrText, minutes]), () => {
      code.replaceChildren(...(pairing === null ? [] : codeParts(pairing, minutes, words)));
    });
    const remove = (home: Home): Promise<Answer> =>
      change('remove', 'removed', { home: nameOf(home) }, { index: home.index });
    draw(homes, JSON.stringify([pairing === null, paired]), () => {
      homes.replaceChildren(...(pairing === null ? [] : homeParts(paired, words, request, remove)));
    });
    actions.hidden = pairing === null;
    // The first home needs no button while the code works.
    another.hidden = paired.length === 0 && minutes !== 0;
  }
}

function homeParts(
  homes: readonly Home[],
  words: Words,
  request: RequestOf,
  remove: (home: Home) => Promise<Answer>,
): Element[] {
  const title = element('strong', {}, words('label.homes'));
  if (homes.length === 0) return [title, element('p', {}, words('hint.noHomes'))];
  const rows = homes.map((home) => {
    const values = { home: nameOf(home) };
    const button = request('trash', 'remove', () => question(words, 'remove', values, () => remove(home)));
    button.setAttribute('aria-label', words('button.removeHome', values));
    return element('div', { class: 'thekeys-line' }, element('span', {}, values.home), button);
  });
  return [title, ...rows];
}

/** Asks first: what is forgotten has to be paired anew, with rooms and rules. */
function question(words: Words, what: 'remove' | 'reset', values: object, choose: () => Promise<Answer>): Answer {
  const main = words(what === 'reset' ? 'button.confirmReset' : 'button.confirmRemove');
  const no = { icon: 'times', main: words('button.cancel'), choose: () => undefined };
  return { lines: [{ text: words(`question.${what}`, values) }], rows: [no, { icon: 'trash', main, choose }] };
}

/** What each part shows, to leave alone what is the same: a person may be about to press something in it. */
const shown = new WeakMap<HTMLElement, string>();

function draw(part: HTMLElement, what: string, make: () => void): void {
  if (shown.get(part) === what) return;
  shown.set(part, what);
  make();
}

function linesOf(status: Overview['status'], findings: Overview['findings'], words: Words): Answer['lines'] {
  const found = findings.map(({ key, values }) => ({ text: words(`finding.${key}`, values), good: false }));
  // What the network lacks is said already, with more in it.
  if (status.state === 'failed' && !findings.some(({ key }) => key === status.reason)) {
    const reason = words(`error.${status.reason ?? ''}`);
    const seconds = Math.ceil((status.restartInMs ?? 0) / 1000);
    return [{ text: words('panel.retry', { reason, seconds }), good: false }, ...found];
  }
  return found.length === 0 && status.state === 'starting' ? [{ text: words('panel.starting') }] : found;
}

function codeParts(
  { qrText, manualCode }: NonNullable<Overview['pairing']>,
  minutes: number | null,
  words: Words,
): Element[] {
  if (minutes === 0) return [element('p', {}, words('hint.shut'))];
  const digits = element('code', {}, manualCode.replace(/^(\d{4})(\d{3})(\d{4})$/, '$1-$2-$3'));
  const copy = copyButton(() => manualCode);
  const more = element('a', { href: HELP, target: '_blank', rel: 'noopener' }, words('hint.uncertifiedMore'));
  const text = element(
    'div',
    {},
    element('p', {}, words('hint.scan')),
    element('p', { class: 'thekeys-matter-digits' }, digits, copy),
    minutes === null ? null : element('p', {}, words('hint.open', { minutes })),
    element('p', {}, `${words('hint.uncertified')} `, more),
  );
  const code = qrcode(0, 'M');
  code.addData(qrText);
  code.make();
  // Black on white in every theme, because cameras read it like that.
  const picture = element('div', { class: 'thekeys-qr', role: 'img', 'aria-label': words('label.code') });
  picture.innerHTML = code.createSvgTag({ scalable: true });
  return [picture, text];
}
