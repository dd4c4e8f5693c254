/**
 * Where the command writes: results as one line of JSON, errors, warnings, and how long work is going. What to write is
 * decided by the verbs.
 */
import { CodedError } from '../common/errors';
import { foreignText } from '../common/foreign';

export interface Terminal {
  readonly env: Readonly<Record<string, string | undefined>>;
  out(text: string): void;
  err(text: string): void;
  /** Whether a person watches standard error. */
  readonly errIsTerminal: boolean;
  /** Called, with the exit status for it, when a person or the system wants the command to end. */
  onStop(stop: (exitStatus: number) => void): void;
}

export function printResult(terminal: Terminal, result: unknown): void {
  // JSON escapes line ends, and leaves what turns a terminal's sentence around.
  const text = JSON.stringify(result).replace(/[\p{C}\p{Zl}\p{Zp}]/gu, (found) => {
    const units = Array.from({ length: found.length }, (_, index) => found.charCodeAt(index));
    return units.map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`).join('');
  });
  terminal.out(`${text}\n`);
}

/** `{"error":{"code","message"}}`, the advice being part of the message. */
export function printError(terminal: Terminal, thrown: unknown): void {
  const { code, message } = describe(thrown);
  terminal.err(`${JSON.stringify({ error: { code, message: foreignText(message, 1000) } })}\n`);
}

function describe(thrown: unknown): { code: string; message: string } {
  if (!(thrown instanceof CodedError)) {
    return { code: 'INTERNAL', message: thrown instanceof Error ? thrown.message : String(thrown) };
  }
  const { hint } = thrown.cause;
  const isAll = hint === '' || hint === thrown.message;
  return { code: String(thrown.code), message: isAll ? thrown.message : `${thrown.message}. ${hint}` };
}

const TICK_MS = 1000;
/** Quicker work leaves no trace in a log, so that a failure at once is one line of JSON and nothing else. */
const SILENT_MS = 2000;
/** A log shows a sign of life so often where nothing changes. */
const REPEAT_MS = 30_000;
const CLEAR_LINE = '\r\u001b[K';

/** How work is going: a moving line on a terminal; elsewhere plain lines, when something changes. */
export class ProgressLine {
  private text = '';
  private printed = '';
  private printedAt = 0;
  private readonly began: number;
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly terminal: Terminal,
    /** False: nothing in logs. A terminal always has its line. */
    private readonly inLogs: boolean,
    private readonly now: () => number = () => performance.now(),
  ) {
    this.began = now();
    this.timer = setInterval(() => this.draw(), TICK_MS);
    this.timer.unref();
  }

  say(text: string): void {
    if (text === this.text) return;
    this.text = text;
    this.draw();
  }

  /** Takes the line away. */
  end(): void {
    clearInterval(this.timer);
    if (this.terminal.errIsTerminal && this.printed !== '') this.terminal.err(CLEAR_LINE);
    this.printed = '';
  }

  private draw(): void {
    if (this.text === '') return;
    const { terminal, inLogs, text } = this;
    const elapsed = this.now() - this.began;
    const line = `${text} (${Math.floor(elapsed / 1000)} s)`;
    const isNews = text !== this.printed || elapsed - this.printedAt >= REPEAT_MS;
    if (terminal.errIsTerminal) terminal.err(`${CLEAR_LINE}${line}`);
    else if (inLogs && elapsed >= SILENT_MS && isNews) terminal.err(`the-keys: ${line}\n`);
    else return;
    [this.printed, this.printedAt] = [text, elapsed];
  }
}
