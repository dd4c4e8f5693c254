/**
 * What `sber-models` and `sber-devices` have in common: their account, their badges, and `msg.sber`. What an operation
 * does is theirs.
 */
import type { Node, NodeAPI } from 'node-red';
import { invalidInput } from '../../src/common/errors';
import { SberAccount } from '../../src/sber/account';
import type { Work } from '../../src/sber/apply';
import type { ItemFailure, Outcome, Warning } from '../../src/sber/shapes';
import type { Adapter, Message, Turn } from './adapter';
import { wordsOf, type Words } from './words';

type PlainWords = (...args: Parameters<Words>) => string;

export interface SberCredentials {
  token?: string;
}

/** A configuration node as its users see it. */
export interface SberConfigNode extends Node<SberCredentials> {
  account: SberAccount;
}

/** The properties beside the payload that these nodes read and write. */
export type SberMessage = Message & { sber?: unknown; dryRun?: unknown };

/** Badge words; they stand in the account's catalogue, because both nodes use them. */
export function sberWords(RED: NodeAPI): PlainWords {
  const words = wordsOf(RED, 'sber-config');
  return (key, values) => words(key, values) ?? key;
}

/** The account that a node refers to. Looked up when a message comes, so that a node without one says so then. */
export function accountOf(RED: NodeAPI, id: string): () => SberAccount {
  // In a flow that was written by hand the id may be that of any other node.
  const account = (RED.nodes.getNode(id) as Partial<SberConfigNode> | null)?.account;
  return () => {
    if (!(account instanceof SberAccount)) {
      throw invalidInput('the node has no account', 'Choose a Sber account in the node and deploy.');
    }
    return account;
  };
}

/** One message's way through a Sber node: what the last request was, which warnings there are, and the badge. */
export class SberRun {
  warnings: Warning[] = [];
  private requestId: string | undefined;
  private httpStatus: number | undefined;

  constructor(
    private readonly message: SberMessage,
    private readonly turn: Turn,
    private readonly adapter: Adapter,
    private readonly words: PlainWords,
  ) {
    delete message.sber;
  }

  get signal(): AbortSignal {
    return this.turn.signal;
  }

  /** For the client and what stands on it. */
  readonly work: Work = {
    onExchange: (requestId, httpStatus) => {
      this.requestId = requestId;
      this.httpStatus = httpStatus;
    },
    onRetry: () => this.adapter.badge('retrying', this.words('badge.working')),
    onProgress: (done, total) => {
      if (done < total) this.adapter.badge('working', this.words('badge.progress', { done, total }));
    },
  };

  begin(): void {
    this.adapter.badge('working', this.words('badge.working'));
  }

  /** Makes `payload` the message's, whole or with some items failed. */
  finish(payload: unknown, text = this.words('badge.ok')): Message {
    this.message.payload = payload;
    const { failed, total } = count(payload);
    if (failed > 0) this.adapter.badge('warning', this.words('badge.partial', { failed, total }));
    else this.adapter.badge('ok', text);
    return this.message;
  }

  /** `msg.sber`, on success and, for Catch nodes, on failure. */
  stamp(): void {
    this.message.sber = {
      ...(this.requestId === undefined ? {} : { requestId: this.requestId }),
      ...(this.httpStatus === undefined ? {} : { httpStatus: this.httpStatus }),
      warnings: this.warnings,
    };
  }
}

/** Any sign of it counts: whoever sets `msg.dryRun` at all does not want anything changed. */
export function isDryRun({ dryRun }: SberMessage): boolean {
  return ![undefined, null, false, 0, '', 'false', '0'].includes(dryRun as string);
}

/** The result of doing nothing: what would have been sent. */
export function asGiven(ids: string[]): Outcome {
  return { applied: ids, failed: [] };
}

/** Runs one message's operation; whatever becomes of it, `msg.sber` is there. */
export async function sberRun(run: SberRun, operation: () => Promise<Message>): Promise<Message> {
  try {
    run.begin();
    return await operation();
  } finally {
    run.stamp();
  }
}

/** How many items an outcome has, and how many of them failed. */
function count(payload: unknown): { failed: number; total: number } {
  const lists = Object.entries(payload ?? {}).filter((entry): entry is [string, unknown[]] => Array.isArray(entry[1]));
  const failed = lists.find(([name]) => name === 'failed')?.[1] as ItemFailure[] | undefined;
  if (failed === undefined) return { failed: 0, total: 0 };
  return { failed: failed.length, total: lists.reduce((sum, [, list]) => sum + list.length, 0) };
}
