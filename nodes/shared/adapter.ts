/**
 * What every node of the package does the same way: a message comes in, work runs, its result is sent, `done` is called
 * once; a failure ends in `done(error)` and a red badge; after close nothing happens any more. The work itself is left
 * to the node files.
 */
import { setMaxListeners } from 'node:events';
import type { Node, NodeAPI, NodeMessageInFlow, NodeStatus } from 'node-red';
import { systemClock } from '../../src/common/clock';
import { CodedError, textOf } from '../../src/common/errors';
import { CalmBadge } from './calm-badge';
import { isReadable, UNREADABLE, writable } from './readable';
import type { Words } from './words';

/**
 * The pictures of a badge: transport down, working, retrying, refused, fine, and "nothing known yet" each look different
 * even without reading the text. `open` and `closed` are the lock's own.
 */
const PICTURES = {
  idle: { fill: 'grey', shape: 'ring' },
  unknown: { fill: 'grey', shape: 'dot' },
  working: { fill: 'blue', shape: 'dot' },
  waiting: { fill: 'blue', shape: 'ring' },
  retrying: { fill: 'yellow', shape: 'ring' },
  warning: { fill: 'yellow', shape: 'dot' },
  closed: { fill: 'green', shape: 'dot' },
  open: { fill: 'green', shape: 'ring' },
  ok: { fill: 'green', shape: 'dot' },
  failed: { fill: 'red', shape: 'dot' },
  down: { fill: 'red', shape: 'ring' },
} as const satisfies Record<string, NodeStatus>;

export type Picture = keyof typeof PICTURES;

/** A message as it travels through a flow; `payload` may be anything. */
export type Message = NodeMessageInFlow & Record<string, unknown>;

/** What a run leads to. */
type Outcome = Message | null | undefined;

/** What a run may do besides returning its result. */
export interface Turn {
  /** Aborted when the node is closed. Everything a run waits for must listen to it. */
  readonly signal: AbortSignal;
}

export interface AdapterOptions {
  RED: NodeAPI;
  /** Words for error badges: keys `badge.<CODE>` and `badge.failed`. */
  words: (...args: Parameters<Words>) => string;
  /** Codes whose badge is "transport down" rather than "refused". */
  transportCodes: readonly string[];
  /** For nodes that may get hundreds of messages in a moment: badges that nobody could read are left out. */
  calmBadge?: boolean;
}

/** How long close waits for runs that were told to stop. They stop at once; the limit guards against a defect of ours. */
const CLOSE_GRACE_MS = 1000;
/** Longer badge texts are cut: the editor draws them over neighbouring nodes. */
export const BADGE_LENGTH = 20;

export class Adapter {
  private readonly closing = new AbortController();
  private readonly cleanups: (() => void | Promise<void>)[] = [];
  private readonly running = new Set<{ settled: Promise<void>; abandon: () => void }>();
  private readonly toBeTold = new Set<NodeJS.Immediate>();
  private readonly calm: CalmBadge<Picture | undefined> | undefined;
  /** Asked with every message; the signal takes longer to answer. */
  private isClosed = false;

  constructor(
    private readonly node: Node,
    private readonly options: AdapterOptions,
  ) {
    // Every waiting command listens to it, and a hundred may wait.
    setMaxListeners(0, this.closing.signal);
    if (options.calmBadge === true) {
      const calm = new CalmBadge<Picture | undefined>(systemClock, (picture, text) => {
        try {
          this.draw(picture, text);
        } catch (error) {
          node.debug(`the badge could not be shown: ${textOf(error)}`);
        }
      });
      this.calm = calm;
      this.closing.signal.addEventListener('abort', () => calm.close(), { once: true });
    }
    node.on('close', (done: () => void) => {
      void this.close().then(done, done);
    });
  }

  get signal(): AbortSignal {
    return this.closing.signal;
  }

  get closed(): boolean {
    return this.isClosed;
  }

  /**
   * Runs `run` for every message. What it returns is sent; `null` and `undefined` send nothing. One that has nothing to
   * wait for may return without a promise: where hundreds of messages come at once, its cost is felt.
   */
  onInput(run: (message: Message, turn: Turn) => Outcome | Promise<Outcome>): void {
    this.node.on('input', (received, send, done) => {
      let finished = false;
      const fail = (thrown: unknown): void => {
        const error = this.asError(thrown, received);
        this.failed(error);
        done(error);
      };
      const finish = (outcome: { message?: Message | null | undefined; error?: unknown }): void => {
        if (finished) return;
        finished = true;
        // Node-RED copies a message for each further node, Catch nodes included. One that cannot be copied (a getter that
        // throws, a circle of proxies, a depth without end) must end this message, and not the process.
        try {
          if ('error' in outcome) {
            fail(outcome.error);
            return;
          }
          try {
            if (outcome.message !== null && outcome.message !== undefined && !this.closed) send(outcome.message);
          } catch (error) {
            fail(error);
            return;
          }
          done();
        } catch (error) {
          this.node.log(`the end of a message could not be told: ${textOf(error)}`);
        }
      };
      if (this.closed) {
        finish({ error: closedError() });
        return;
      }
      let outcome: Outcome | Promise<Outcome>;
      try {
        outcome = run(writable(received), { signal: this.signal });
      } catch (error) {
        finish({ error });
        return;
      }
      if (!(outcome instanceof Promise)) {
        finish({ message: outcome });
        return;
      }
      const settled = outcome.then(
        (message) => finish({ message }),
        (error: unknown) => finish({ error }),
      );
      const entry = { settled, abandon: () => finish({ error: closedError() }) };
      this.running.add(entry);
      void settled.finally(() => this.running.delete(entry));
    });
  }

  /** Runs at close, after pending runs were told to stop. */
  onClose(cleanup: () => void | Promise<void>): void {
    this.cleanups.push(cleanup);
  }

  /** Sends a message that answers no input. */
  emit(message: Message): void {
    if (!this.closed) this.node.send(message);
  }

  /** Shows a failure of which the Catch nodes know. */
  showFailure(error: CodedError): void {
    this.failed(error);
  }

  /** Tells the Catch nodes of a failure that belongs to no message. The badge shows it at once. */
  report(thrown: unknown): void {
    if (this.closed) return;
    const error = this.asError(thrown);
    this.failed(error);
    // A node may fail while it is made, and Catch nodes may be made after it.
    const told = setImmediate(() => {
      this.toBeTold.delete(told);
      // Only with a message object does an error reach Catch nodes.
      this.node.error(error, {});
    });
    this.toBeTold.add(told);
  }

  badge(picture: Picture, text = ''): void {
    this.show(picture, text);
  }

  clearBadge(): void {
    this.show(undefined, '');
  }

  private show(picture: Picture | undefined, text: string): void {
    if (this.closed) return;
    if (this.calm === undefined) this.draw(picture, text);
    else this.calm.show(picture, text);
  }

  private draw(picture: Picture | undefined, text: string): void {
    this.node.status(picture === undefined ? {} : { ...PICTURES[picture], text: shorten(text) });
  }

  private failed(error: CodedError): void {
    const key = `badge.${error.code}`;
    const text = this.options.words(key);
    this.badge(
      this.options.transportCodes.includes(error.code) ? 'down' : 'failed',
      text === key ? this.options.words('badge.failed') : text,
    );
  }

  /** Anything thrown, as an error of the contract. What is not ours already is a defect, told in the log with its stack. */
  private asError(thrown: unknown, message?: unknown): CodedError {
    if (thrown instanceof CodedError) return thrown as CodedError;
    if (!isReadable(message)) return UNREADABLE;
    this.node.debug(thrown instanceof Error ? (thrown.stack ?? thrown.message) : textOf(thrown));
    return new CodedError('INTERNAL', `unexpected: ${textOf(thrown)}`, {
      retriable: false,
      hint: 'This is a defect of the package. Please report it with the debug log.',
    });
  }

  private async close(): Promise<void> {
    this.isClosed = true;
    for (const told of this.toBeTold) clearImmediate(told);
    this.closing.abort(closedError());
    const pending = [...this.running];
    let timer: NodeJS.Timeout | undefined;
    const grace = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_GRACE_MS);
    });
    await Promise.race([Promise.all(pending.map((entry) => entry.settled)), grace]);
    clearTimeout(timer);
    for (const entry of this.running) entry.abandon();
    for (const cleanup of this.cleanups) {
      try {
        await cleanup();
      } catch (error) {
        this.node.debug(`close: ${textOf(error)}`);
      }
    }
  }
}

/** What a command ends with when its node is closed before the command was sent. */
export function closedError(): CodedError {
  return new CodedError('EXPIRED', 'the node was closed before the command had its turn; it was not sent', {
    retriable: true,
    hint: 'The flow was redeployed or stopped. Send the message again if it is still wanted.',
  });
}

function shorten(text: string): string {
  return text.length < BADGE_LENGTH ? text : `${text.slice(0, BADGE_LENGTH - 2)}…`;
}
