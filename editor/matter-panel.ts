/**
 * What a Matter bridge shows of itself in its dialog: the code to scan, the homes that are paired, and what keeps homes from
 * finding it. It asks the runtime anew while the dialog is open, for pairing happens on a phone beside it.
 */
import { copyButton, element, statusArea } from './elements';
import { qrPicture } from './qr-code';
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

export class MatterPanel {
  private readonly trouble = statusArea();
  private readonly code = element('div', { class: 'thekeys-matter-code' });
  private readonly homes = element('div', { class: 'thekeys-matter-homes', role: 'group' });
  private readonly result = statusArea();
  /** What each part shows, to leave alone what is the same: a person may be about to press something in it. */
  private readonly shown = new Map<HTMLElement, string>();
  private readonly actions: HTMLElement;
  private readonly another: HTMLButtonElement;

  constructor(
    private readonly node: EditedNode,
    private readonly place: HTMLElement,
    private readonly words: Words,
  ) {
    const [another, reset] = this.buttons();
    this.another = another;
    this.actions = element('div', { class: 'thekeys-matter-actions' }, another, reset);
    this.actions.hidden = true;
    this.homes.setAttribute('aria-label', words('label.homes'));
    place.append(this.trouble, this.code, this.homes, this.actions, this.result);
    void this.refresh();
  }

  private async refresh(): Promise<void> {
    try {
      this.show(await this.ask('status'));
    } catch (error) {
      this.fail(error);
    }
    // Gone with its dialog.
    setTimeout(() => {
      if (this.place.isConnected) void this.refresh();
    }, PAUSE_MS);
  }

  private async ask(what: string, more: object = {}): Promise<Overview> {
    return (await ask('POST', `matter/${what}`, { id: this.node.id, ...more })) as unknown as Overview;
  }

  private fail(error: unknown): void {
    const text = sentence(error, this.words);
    this.draw(this.trouble, text, () => showAnswer(this.trouble, bad(text)));
    for (const part of [this.code, this.homes]) this.draw(part, '', () => part.replaceChildren());
    this.actions.hidden = true;
  }

  private show({ status, pairing, homes, findings }: Overview): void {
    const { words } = this;
    const lines: Answer['lines'][number][] = findings.map(({ key, values }) => ({
      text: words(`finding.${key}`, values),
      good: false,
    }));
    // What the network lacks is said already, with more in it.
    if (status.state === 'failed' && !findings.some(({ key }) => key === status.reason)) {
      const reason = words(`error.${status.reason ?? ''}`);
      const seconds = Math.ceil((status.restartInMs ?? 0) / 1000);
      lines.unshift({ text: words('panel.retry', { reason, seconds }), good: false });
    }
    if (lines.length === 0 && status.state === 'starting') lines.push({ text: words('panel.starting') });
    this.draw(this.trouble, JSON.stringify(lines), () => showAnswer(this.trouble, { lines }));
    const openForMs = pairing?.openForMs ?? null;
    const minutes = openForMs === null ? null : Math.ceil(openForMs / MINUTE_MS);
    this.draw(this.code, JSON.stringify([pairing?.qrText, minutes]), () => {
      this.code.replaceChildren(...(pairing === null ? [] : this.codeParts(pairing, minutes)));
    });
    this.draw(this.homes, JSON.stringify([pairing === null, homes]), () => {
      this.homes.replaceChildren(...(pairing === null ? [] : this.homeRows(homes)));
    });
    this.actions.hidden = pairing === null;
    // The first home needs no button while the code works.
    this.another.hidden = homes.length === 0 && minutes !== 0;
  }

  private draw(part: HTMLElement, what: string, draw: () => void): void {
    if (this.shown.get(part) === what) return;
    this.shown.set(part, what);
    draw();
  }

  private codeParts({ qrText, manualCode }: NonNullable<Overview['pairing']>, minutes: number | null): Node[] {
    const { words } = this;
    if (minutes === 0) return [element('p', {}, words('hint.shut'))];
    const digits = manualCode.replace(/^(\d{4})(\d{3})(\d{4})$/, '$1-$2-$3');
    const more = element('a', { href: HELP, target: '_blank', rel: 'noopener' }, words('hint.uncertifiedMore'));
    const text = element(
      'div',
      {},
      element('p', {}, words('hint.scan')),
      element(
        'p',
        { class: 'thekeys-matter-digits' },
        element('code', {}, digits),
        copyButton(() => manualCode),
      ),
      ...(minutes === null ? [] : [element('p', {}, words('hint.open', { minutes }))]),
      element('p', {}, `${words('hint.uncertified')} `, more),
    );
    return [qrPicture(qrText, words('label.code')), text];
  }

  private homeRows(homes: readonly Home[]): Node[] {
    const { words } = this;
    const title = element('strong', {}, words('label.homes'));
    if (homes.length === 0) return [title, element('p', {}, words('hint.noHomes'))];
    const rows = homes.map((home) => {
      const remove = requestButton(this.result, {
        icon: 'trash',
        label: words('button.remove'),
        words,
        run: () => this.question('remove', home),
      });
      remove.setAttribute('aria-label', words('button.removeHome', { home: nameOf(home) }));
      return element('div', {}, element('span', {}, nameOf(home)), remove);
    });
    return [title, ...rows];
  }

  private buttons(): [HTMLButtonElement, HTMLButtonElement] {
    const { words } = this;
    const another = {
      icon: 'plus',
      label: words('button.another'),
      words,
      run: async () => {
        this.show(await this.ask('pair'));
        return good(words('panel.paired'));
      },
    };
    const reset = { icon: 'undo', label: words('button.reset'), words, run: () => this.question('reset') };
    return [requestButton(this.result, another), requestButton(this.result, reset)];
  }

  /** Asks first: what is forgotten has to be paired anew, with rooms and rules. */
  private question(what: 'remove' | 'reset', home?: Home): Answer {
    const { words } = this;
    const values = { home: home === undefined ? '' : nameOf(home) };
    const yes = {
      icon: 'trash',
      main: words(what === 'reset' ? 'button.confirmReset' : 'button.confirmRemove'),
      choose: async () => {
        this.show(await this.ask(what, home === undefined ? {} : { index: home.index }));
        return good(words(what === 'reset' ? 'panel.reset' : 'panel.removed', values));
      },
    };
    const no = { icon: 'times', main: words('button.cancel'), choose: () => undefined };
    return { lines: [{ text: words(`question.${what}`, values) }], rows: [no, yes] };
  }
}
