/**
 * One way to be a node. A definition says which settings the node takes and, in `start`, what it does. The rest is the same
 * for all: settings are read once, at deploy, and what is wrong with them shows then; a message comes in, work runs, its
 * result is sent, `done` is called once; a failure ends in `done(error)` and a red badge; after close nothing happens.
 */
import { setMaxListeners } from 'node:events';
import type { Node, NodeAPI, NodeCredentials, NodeDef, NodeInitializer } from 'node-red';
import { systemClock, within } from '../../src/common/clock';
import { CodedError, invalidInput, textOf } from '../../src/common/errors';
import { foreignText } from '../../src/common/foreign';
import type { Log } from '../../src/common/log';
import { parseSettings, type Parsed, type Settings } from '../../src/common/settings';
import { Badge } from './badge';
import { logOf } from './diagnostics';
import { asCoded, closedError, forFlow } from './errors';
import { isReadable, UNREADABLE, writable, type Message } from './message';
import { wordsOf, type Words } from './words';

export interface NodeDefinition<S extends Settings> {
  /** As in `package.json`. */
  type: string;
  /** The type whose locale file has the words of badges and errors; several: the first that has them. */
  catalogue: string | readonly string[];
  settings: S;
  /** Codes whose badge is "cannot be reached" rather than "refused". */
  transportCodes?: readonly string[];
  credentials?: NodeCredentials<Record<string, unknown>>;
  /** Runs at each deploy of the node. What it throws shows in the badge, and with each message. */
  start: (node: RunningNode<S>) => void;
}

/** What one message is worked on with. */
export interface Input<S extends Settings> {
  /** Aborted when the node is closed. Everything that the work waits for listens to it. */
  readonly signal: AbortSignal;
  /** With those values that this message, its flow or the environment gives. */
  readonly settings: Parsed<S>;
}

type Result = Message | null | undefined;
type Run<S extends Settings> = (message: Message, input: Input<S>) => Result | Promise<Result>;

/** Kinds of a typed input whose value stands in the dialog. */
const PLAIN_TYPES: readonly string[] = ['', 'str', 'num', 'bool'];
/** Milliseconds that close waits for work that was aborted. It ends at once; the limit guards against a defect of ours. */
const CLOSE_GRACE_MS = 1000;

export function defineNode<S extends Settings>(definition: NodeDefinition<S>): NodeInitializer {
  return (RED) => {
    const words = wordsOf(RED, ...[definition.catalogue].flat());
    function PackageNode(this: Node<Record<string, unknown>>, config: NodeConfig): void {
      RED.nodes.createNode(this, config);
      const running = new RunningNode(RED, this, config, words, definition);
      try {
        running.settings = parseSettings(definition.settings, running.atDeploy);
        definition.start(running);
      } catch (error) {
        running.refuse(error);
      }
    }
    const { credentials } = definition;
    RED.nodes.registerType(definition.type, PackageNode, credentials === undefined ? {} : { credentials });
  };
}

export type NodeConfig = NodeDef & Readonly<Record<string, unknown>>;

export class RunningNode<S extends Settings> {
  readonly badge: Badge;
  readonly log: Log;
  /** As they were read at deploy. */
  settings!: Parsed<S>;
  /** The dialog's values, without those that each message brings. */
  readonly atDeploy: NodeConfig;
  /** The settings that come from the message, the flow and so on, with where they come from. */
  private readonly elsewhere: readonly { key: string; value: string; type: string }[];
  private readonly closing = new AbortController();
  private readonly cleanups: (() => void | Promise<void>)[] = [];
  private readonly running = new Set<{ ended: Promise<void>; abandon: () => void }>();
  private readonly reports = new Set<NodeJS.Immediate>();

  constructor(
    readonly RED: NodeAPI,
    readonly node: Node<Record<string, unknown>>,
    /** As the flow holds it. */
    readonly config: NodeConfig,
    readonly words: Words,
    private readonly definition: NodeDefinition<S>,
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
    node.on('close', (done: () => void) => {
      void this.close().then(done, done);
    });
  }

  get signal(): AbortSignal {
    return this.closing.signal;
  }

  get closed(): boolean {
    return this.closing.signal.aborted;
  }

  /**
   * Runs `run` for every message. What it returns is sent; `null` and `undefined` send nothing. Work that has nothing to
   * wait for may return without a promise: where hundreds of messages come at once, its cost is felt.
   */
  onInput(run: Run<S>): void {
    this.node.on('input', (received, send, done) => {
      const end = this.endOf(received, send, done);
      if (this.closed) {
        end({ error: closedError() });
        return;
      }
      try {
        const result = this.begin(writable(received), run);
        if (!(result instanceof Promise)) {
          end({ message: result });
          return;
        }
        const ended = result.then(
          (message) => end({ message }),
          (error: unknown) => end({ error }),
        );
        const entry = { ended, abandon: () => end({ error: closedError() }) };
        this.running.add(entry);
        void ended.finally(() => this.running.delete(entry));
      } catch (error) {
        end({ error });
      }
    });
  }

  /** Runs at close, after running work was aborted. */
  onClose(cleanup: () => void | Promise<void>): void {
    this.cleanups.push(cleanup);
  }

  /** Sends a message that answers no input. */
  emit(message: Message): void {
    if (!this.closed) this.node.send(message);
  }

  /** Gives the Catch nodes a failure that belongs to no message, and shows it in the badge. */
  report(thrown: unknown): void {
    if (this.closed) return;
    const error = asCoded(thrown);
    this.showFailure(error);
    // A node may fail while it is made, and Catch nodes may be made after it.
    const pending = setImmediate(() => {
      this.reports.delete(pending);
      // Only with a message object does an error reach Catch nodes.
      this.node.error(forFlow(error, this.words), {});
    });
    this.reports.add(pending);
  }

  /** A badge for a failure that the Catch nodes know of. */
  showFailure(error: CodedError): void {
    const unreachable = this.definition.transportCodes?.includes(error.code) === true;
    const word = [error.badge ?? error.code, error.code, 'failed'].find(
      (key) => this.words(`badge.${key}`) !== undefined,
    );
    this.badge.show(unreachable ? 'down' : 'failed', word ?? 'failed');
  }

  /** The node cannot work as it is set: that shows now, and with each message. */
  refuse(thrown: unknown): void {
    const { code, message, cause, badge } = asCoded(thrown);
    const isNamed = [`badge.${badge}`, `error.${badge}`].some((key) => this.words(key) !== undefined);
    const word = isNamed || code !== 'INVALID_INPUT' ? badge : 'settings';
    const error = new CodedError(code, message, cause, word);
    this.onInput(() => {
      throw error;
    });
    this.report(error);
  }

  private begin(message: Message, run: Run<S>): Result | Promise<Result> {
    const { signal, settings } = this;
    if (this.elsewhere.length === 0) return run(message, { signal, settings });
    return this.settingsFor(message).then((own) => run(message, { signal, settings: own }));
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

  /** How a message ends, once. */
  private endOf(
    received: unknown,
    send: (message: Message) => void,
    done: (error?: Error) => void,
  ): (outcome: { message?: Result; error?: unknown }) => void {
    let ended = false;
    const fail = (thrown: unknown): void => {
      const error = this.failureOf(thrown, received);
      if (!this.closed) this.showFailure(error);
      // The Catch node may be stopped too: what may have moved a bolt leaves a trace all the same.
      else if (error.code === 'RESULT_UNKNOWN')
        this.log.warn(`stopped while a command was under way: ${error.message}`);
      done(forFlow(error, this.words));
    };
    return (outcome) => {
      if (ended) return;
      ended = true;
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
        this.log.info(`the end of a message could not be passed on: ${textOf(error)}`);
      }
    };
  }

  private failureOf(thrown: unknown, message: unknown): CodedError {
    if (!(thrown instanceof CodedError)) {
      if (!isReadable(message)) return UNREADABLE;
      this.log.debug(thrown instanceof Error ? (thrown.stack ?? thrown.message) : textOf(thrown));
    }
    return asCoded(thrown);
  }

  private async close(): Promise<void> {
    for (const pending of this.reports) clearImmediate(pending);
    this.badge.close();
    this.closing.abort(closedError());
    await within(Promise.all([...this.running].map(({ ended }) => ended)), CLOSE_GRACE_MS, systemClock);
    for (const { abandon } of this.running) abandon();
    for (const cleanup of this.cleanups) {
      try {
        await cleanup();
      } catch (error) {
        this.log.debug(`close: ${textOf(error)}`);
      }
    }
  }
}
