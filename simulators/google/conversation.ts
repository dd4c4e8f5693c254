/**
 * A person at a smart speaker: one conversation with the stand-in, phrase by phrase, and a transcript of it with the
 * JSON behind each sentence. How it looks is left to `google-page.ts`.
 */
import {
  GoogleStandIn,
  listOf,
  treeOf,
  type Dialogue,
  type Exchange,
  type GoogleSettings,
  type Outcome,
  type Tree,
} from './google';
import type { HomeGraphStandIn } from './home-graph';
import { notificationsIn, type JournalEntry } from './home-graph';
import { speak, speakFollowUp, understand } from './speech';
import { ENOUGH } from '../latest';

/** A line of the transcript. `note` is what happens without a word: linking, reports, syncs. */
export interface Line {
  id: number;
  who: 'you' | 'google' | 'note';
  text: string;
  /** What went over the wire, if anything did. */
  wire?: { title: string; request: unknown; response?: unknown };
}

export interface Situation {
  linked: boolean;
  /** What the open question waits for. */
  asks: 'pin' | 'ack' | null;
}

/** Older lines are forgotten: a demo may run for days. */
const MAX_LINES = 300;

export class Conversation {
  readonly lines: Line[] = [];
  private readonly google: GoogleStandIn;
  private dialogue: { talk: Dialogue; command: string; params: Tree } | undefined;
  private count = 0;
  /** Phrases are heard one after the other. */
  private turn: Promise<void> = Promise.resolve();
  private readonly listeners = new Set<(line: Line | undefined) => void>();

  constructor(
    settings: GoogleSettings,
    homeGraph: HomeGraphStandIn,
    private readonly login: { user: string; password: string },
  ) {
    this.google = new GoogleStandIn(settings, { homeGraph });
    this.google.most = ENOUGH;
    homeGraph.onCall = (entry) => this.heard(entry);
    homeGraph.onRequestSync = () => {
      void this.inTurn(async () => {
        if (!this.google.linked) return;
        await this.google.sync();
        this.note('Google read the device list again, as it was asked to.', this.last('SYNC'));
      });
    };
  }

  get situation(): Situation {
    return { linked: this.google.linked, asks: this.dialogue?.talk.asks ?? null };
  }

  /** Calls back with every new line, and with undefined where only the situation changed. */
  listen(listener: (line: Line | undefined) => void): () => void {
    this.listeners.add(listener);
    return () => {
      this.listeners.delete(listener);
    };
  }

  /** Resolves when the phrase has been answered. */
  say(phrase: string): Promise<void> {
    return this.inTurn(async () => {
      this.add({ who: 'you', text: phrase });
      if (!(await this.link())) return;
      await this.answer(phrase);
    });
  }

  /** Links the account if it is not linked yet. */
  open(): Promise<void> {
    return this.inTurn(async () => {
      await this.link();
    });
  }

  unlink(): Promise<void> {
    return this.inTurn(async () => {
      if (!this.google.linked) return;
      this.dialogue = undefined;
      const exchange = await this.google.disconnect();
      this.note('The account was unlinked. The next phrase links it again.', wireOf(exchange));
    });
  }

  private async answer(phrase: string): Promise<void> {
    const meaning = understand(phrase, this.google.devices);
    const open = this.dialogue;
    const asks = open?.talk.asks;
    if (open !== undefined && asks === 'pin' && meaning.kind === 'pin') {
      this.settle(open, await open.talk.sayPin(meaning.pin));
    } else if (open !== undefined && asks === 'ack' && meaning.kind === 'answer') {
      this.settle(open, await open.talk.sayYes(meaning.yes));
    } else if (asks !== undefined && (meaning.kind === 'answer' || /^cancel/i.test(phrase))) {
      // Google itself drops a question for a PIN; nothing is sent.
      this.dialogue = undefined;
      this.add({ who: 'google', text: 'OK, never mind.' });
    } else if (meaning.kind === 'command') {
      const { device, command, params } = meaning;
      const talk = this.google.begin(device.id, command, params);
      const begun = { talk, command, params };
      this.settle(begun, await talk.say());
    } else if (meaning.kind === 'nothing') {
      this.add({ who: 'google', text: meaning.speech });
    } else {
      this.add({ who: 'google', text: 'I did not ask anything. Say for example: arm the alarm.' });
    }
  }

  private settle(open: NonNullable<Conversation['dialogue']>, outcome: Outcome): void {
    this.dialogue = open.talk.asks === undefined ? undefined : open;
    const text = speak(open.command, open.params, outcome, this.google.devices);
    this.add({ who: 'google', text, wire: wireOf(outcome.exchange) });
  }

  private async link(): Promise<boolean> {
    if (this.google.linked) return true;
    try {
      await this.google.link(this.login.user, this.login.password);
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      this.add({ who: 'google', text: `I could not link your account. Is the demo's flow deployed? (${why})` });
      return false;
    }
    const names = this.google.devices.map((device) => device.name).join(', ');
    this.note(`The account is linked. Google found: ${names === '' ? 'no device' : names}.`, this.last('SYNC'));
    return true;
  }

  private heard(entry: JournalEntry): void {
    if (entry.call !== 'reportStateAndNotification') return;
    const wire = { title: `Home Graph: ${entry.call} (${entry.status})`, request: entry.body };
    const states = treeOf(treeOf(treeOf(entry.body.payload).devices).states);
    for (const [id, state] of Object.entries(states)) {
      const name = this.google.devices.find((device) => device.id === id)?.name ?? id;
      this.note(`${name} reports: ${summary(treeOf(state))}`, wire);
    }
    if (entry.status !== 200) return;
    for (const { trait, notification } of notificationsIn(entry)) {
      this.add({ who: 'google', text: speakFollowUp(trait, treeOf(notification.followUpResponse)), wire });
    }
  }

  private last(intent: Exchange['intent']): Line['wire'] {
    const exchange = this.google.journal.filter((entry) => entry.intent === intent).at(-1);
    return exchange === undefined ? undefined : wireOf(exchange);
  }

  private note(text: string, wire: Line['wire']): void {
    this.add({ who: 'note', text, ...(wire === undefined ? {} : { wire }) });
  }

  private add(line: Omit<Line, 'id'>): void {
    const numbered = { id: ++this.count, ...line };
    this.lines.push(numbered);
    if (this.lines.length > MAX_LINES) this.lines.shift();
    for (const listener of this.listeners) listener(numbered);
  }

  private inTurn(work: () => Promise<void>): Promise<void> {
    this.turn = this.turn.then(work).catch((error: unknown) => {
      // The service is gone, or has ended the link: start from the beginning with the next phrase.
      this.google.accessToken = '';
      this.dialogue = undefined;
      const why = error instanceof Error ? error.message : String(error);
      this.add({ who: 'google', text: `Sorry, I could not reach your home. (${why})` });
    });
    return this.turn.finally(() => {
      for (const listener of this.listeners) listener(undefined);
    });
  }
}

function wireOf(exchange: Exchange): NonNullable<Line['wire']> {
  const { intent, status, tookMs, request, response } = exchange;
  return { title: `${intent} (${status}, ${Math.round(tookMs)} ms)`, request, response: response ?? null };
}

/** The states in a line; the JSON beside has them all. */
function summary(states: Tree): string {
  return Object.entries(states)
    .filter(([name, value]) => name !== 'online' && typeof value !== 'object')
    .concat(listOf(states.currentStatusReport).map(({ statusCode }) => ['reports', statusCode]))
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}
