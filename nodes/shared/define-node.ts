/**
 * One way to be a node. A definition says which settings the node takes and, in `start`, what it does. The rest is the same
 * for all: settings are read once, at deploy, and what is wrong with them shows then; a message comes in, work runs, its
 * result is sent, `done` is called once; a failure ends in `done(error)` and a red badge; after close nothing happens.
 */
import { setMaxListeners } from 'node:events';
import type { Node, NodeAPI, NodeDef, NodeInitializer, NodeMessageInFlow } from 'node-red';
import { onAbort } from '../../src/common/abort';
import { systemClock, within } from '../../src/common/clock';
import { CodedError, invalidInput, textOf } from '../../src/common/errors';
import { foreignText } from '../../src/common/foreign';
import type { Log } from '../../src/common/log';
import { parseSettings, type Parsed, type Settings } from '../../src/common/settings';
import { Badge } from './badge';
import { accountOf, CONFIGS, type Accounts } from './define-config';
import { logOf } from './diagnostics';
import { asCoded, closedError, forFlow, UNREADABLE } from './errors';
import { wordsOf, type Words } from './words';

/** `payload` may be anything. */
export type Message = NodeMessageInFlow & Record<string, unknown>;

interface NodeDefinition<K extends keyof Accounts, S extends Settings> {
  type: string;
  /** The type of its configuration, whose locale file has the words of badges and errors too. */
  account: K;
  /** Another type with words, for those that its own has not. */
  moreWords?: string;
  settings: S;
  /** Codes whose badge is "cannot be reached" rather than "refused". */
  transportCodes?: readonly string[];
  /** Has a PIN, which is kept apart from the flow, encrypted. */
  hasPin?: boolean;
  /** Runs at each deploy of the node. What it throws shows in the badge, and with each message. */
  start: (node: RunningNode<S>, account: Accounts[K]) => void;
}

export interface Input<S extends Settings> {
  /** Aborted when the node is closed. Everything that the work waits for listens to it. */
  readonly signal: AbortSignal;
  /** With those values that this message, its flow or the environment gives. */
  readonly settings: Parsed<S>;
}

/** What is returned is sent; null: nothing. */
type Run<S extends Settings> = (message: Message, input: Input<S>) => Promise<Message | null>;

/** A message that has not ended. */
interface Running {
  readonly received: Message;
  readonly send: (message: Message) => void;
  readonly done: (error?: Error) => void;
}

/** Kinds of a typed input whose value stands in the dialog. */
const PLAIN_TYPES: readonly string[] = ['', 'str', 'num', 'bool'];
/** Milliseconds that close waits for work that was aborted. It ends at once; the limit guards against a defect of ours. */
const CLOSE_GRACE_MS = 1000;

export function defineNode<K extends keyof Accounts, S extends Settings>(
  definition: NodeDefinition<K, S>,
): NodeInitializer {
  const { type, account, moreWords, settings, hasPin } = definition;
  return (RED) => {
    const words = wordsOf(RED, account, moreWords);
    function PackageNode(this: Node<Record<string, unknown>>, config: NodeConfig): void {
      RED.nodes.createNode(this, config);
      const running = new RunningNode(RED, this, config, words, definition);
      try {
        running.settings = parseSettings(settings, running.atDeploy);
        definition.start(running, accountOf(RED, account, config[CONFIGS[account].key]));
      } catch (error) {
        running.refuse(error);
      }
    }
    const credentials = hasPin === true ? { pin: { type: 'password' as const } } : {};
    RED.nodes.registerType(type, PackageNode, { credentials });
  };
}

export type NodeConfig = NodeDef & Readonly<Record<string, unknown>>;

export class RunningNode<S extends Settings> {
  readonly badge: Badge;
  readonly log: Log;
  settings!: Parsed<S>;
  /** The dialog's values, without those that each message brings. */
  readonly atDeploy: NodeConfig;
  /** The settings that come from the message, the flow and so on, with where they come from. */
  private readonly elsewhere: readonly { key: string; value: string; type: string }[];
  private readonly closing = new AbortController();
  private readonly running = new Set<Running>();
  private allEnded: (() => void) | undefined;

  constructor(
    readonly RED: NodeAPI,
    readonly node: Node<Record<string, unknown>>,
    readonly config: NodeConfig,
    readonly words: Words,
    private readonly definition: Pick<NodeDefinition<keyof Accounts, S>, 'settings' | 'transportCodes'>,
  ) {
    this.log = logOf(RED, node);
    this.badge = new Badge(systemClock, words, (status) => {
      try {
        node.status(status);
      } catch (error) {
        node.debug(`the badge could not be shown: ${textOf(error)}`);
      }
    });
    // Every waiting command listens to it, and a hundred may wait.
    setMaxListeners(0, this.closing.signal);
    this.elsewhere = Object.entries(definition.settings).flatMap(([key, { typed }]) => {
      const [value, type] = [config[key], config[`${key}Type`]];
      if (typed !== true || typeof type !== 'string' || PLAIN_TYPES.includes(type)) return [];
      return [{ key, value: typeof value === 'string' ? value : '', type }];
    });
    this.atDeploy = { ...config, ...Object.fromEntries(this.elsewhere.map(({ key }) => [key, undefined])) };
    node.on('close', (done: () => void) => void this.close().then(done, done));
  }

  get signal(): AbortSignal {
    return this.closing.signal;
  }

  /** As it was typed, which may be anything. */
  get pin(): unknown {
    // No credentials where nothing was ever typed, whatever the types say.
    return (this.node.credentials as { pin?: unknown } | undefined)?.pin;
  }

  onInput(run: Run<S>): void {
    this.node.on('input', (received, send, done) => {
      void this.work({ received, send, done }, run);
    });
  }

  /** Runs at close, at once: before work that is under way has ended. */
  onClose(cleanup: () => void): void {
    onAbort(this.signal, () => {
      try {
        cleanup();
      } catch (error) {
        this.log.debug(`close: ${textOf(error)}`);
      }
    });
  }

  /** Sends a message that answers no input. */
  emit(content: object): void {
    if (!this.signal.aborted) this.node.send({ _msgid: this.RED.util.generateId(), ...content });
  }

  /** Gives the Catch nodes a failure that belongs to no message, and shows it in the badge. */
  report(thrown: unknown): void {
    if (this.signal.aborted) return;
    const error = asCoded(thrown);
    this.showFailure(error);
    // A node may fail while it is made, and Catch nodes may be made after it.
    setImmediate(() => {
      // Only with a message object does an error reach Catch nodes.
      if (!this.signal.aborted) this.node.error(forFlow(error, this.words), {});
    });
  }

  /** A badge for a failure that the Catch nodes know of. */
  showFailure(error: CodedError): void {
    const unreachable = this.definition.transportCodes?.includes(error.code) === true;
    const keys = [error.badge ?? error.code, error.code];
    const word = keys.find((key) => this.words(`badge.${key}`) !== undefined) ?? 'failed';
    this.badge.show(unreachable ? 'down' : 'failed', word);
  }

  /** The node cannot work as it is set: that shows now, and with each message. */
  refuse(thrown: unknown): void {
    const { code, message, cause, badge } = asCoded(thrown);
    const isNamed = [`badge.${badge}`, `error.${badge}`].some((key) => this.words(key) !== undefined);
    const word = isNamed || code !== 'INVALID_INPUT' ? badge : 'settings';
    const error = new CodedError(code, message, cause, word);
    this.onInput(() => Promise.reject(error));
    this.report(error);
  }

  private async work(input: Running, run: Run<S>): Promise<void> {
    const { signal } = this;
    this.running.add(input);
    try {
      signal.throwIfAborted();
      const message = writable(input.received);
      const settings = this.elsewhere.length === 0 ? this.settings : await this.settingsFor(message);
      const result = await run(message, { signal, settings });
      if (result !== null && !signal.aborted) input.send(result);
      this.end(input);
    } catch (thrown) {
      this.end(input, { thrown });
    }
  }

  /** Ends a message, once. */
  private end(input: Running, failure?: { thrown: unknown }): void {
    if (!this.running.delete(input)) return;
    try {
      input.done(failure && this.failed(failure.thrown, input.received));
    } catch (error) {
      // Node-RED copies a message for each further node, Catch nodes included. One that cannot be copied (a getter that
      // throws, a circle of proxies, a depth without end) must end this message, and not the process.
      this.log.info(`the end of a message could not be passed on: ${textOf(error)}`);
    }
    if (this.running.size === 0) this.allEnded?.();
  }

  private async settingsFor(message: Message): Promise<Parsed<S>> {
    const values: Record<string, unknown> = { ...this.atDeploy };
    for (const { key, value, type } of this.elsewhere) values[key] = await this.evaluate(value, type, message);
    return parseSettings(this.definition.settings, values);
  }

  private evaluate(value: string, type: string, message: Message): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.RED.util.evaluateNodeProperty(value, type, this.node, message, (error, result: unknown) => {
        if (error === null) resolve(result);
        else reject(invalidInput(`${type}.${value} cannot be read: ${foreignText(textOf(error))}`));
      });
    });
  }

  /** Shows how a message has failed, and gives the error for `done`. */
  private failed(thrown: unknown, message: Message): Error {
    const isDefect = !(thrown instanceof CodedError) && isCopyable(this.RED, message);
    if (isDefect) this.log.debug(thrown instanceof Error ? String(thrown.stack) : textOf(thrown));
    const error = thrown instanceof CodedError || isDefect ? asCoded(thrown) : UNREADABLE;
    if (!this.signal.aborted) this.showFailure(error);
    // The Catch node may be stopped too: what may have moved a bolt leaves a trace all the same.
    else if (error.code === 'RESULT_UNKNOWN') this.log.warn(`stopped while a command was under way: ${error.message}`);
    return forFlow(error, this.words);
  }

  private async close(): Promise<void> {
    this.badge.close();
    this.closing.abort(closedError());
    const ended = new Promise<void>((resolve) => {
      this.allEnded = resolve;
      if (this.running.size === 0) resolve();
    });
    await within(ended, CLOSE_GRACE_MS, systemClock);
    for (const input of this.running) this.end(input, { thrown: closedError() });
  }
}

/** Whether Node-RED can copy it: no getter throws, and its depth has an end. */
function isCopyable(RED: NodeAPI, message: Message): boolean {
  try {
    RED.util.cloneMessage({ ...message });
    return true;
  } catch {
    return false;
  }
}

/**
 * The message itself where a result can be written into it; of one that is frozen, or whose payload cannot be set, a copy.
 * It must not turn out when the door is open already.
 */
function writable<T extends object>(message: T): T {
  const payload = Object.getOwnPropertyDescriptor(message, 'payload');
  const settable = payload === undefined || (payload.writable === true && payload.configurable === true);
  return Object.isExtensible(message) && settable ? message : { ...message };
}
