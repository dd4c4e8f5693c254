/** The shapes that the files of the Google side share. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Clock } from '../common/clock';
import type { Json } from '../common/json';
import type { Log } from '../common/log';
import type { State } from '../state/state';

/** What every part of an account works with. */
export interface AccountContext {
  state: State;
  clock: Clock;
  log: Log;
  /** Begins every key that is kept, so that two accounts in one state do not meet: `google/<id>`. */
  prefix: string;
}

/** A JSON value with named fields. */
export type JsonObject = Record<string, Json>;

/** The states of a device as Google names them (`isArmed`, `currentArmLevel`, `isLocked`, `online`, …). */
export type States = Record<string, Json>;

/** The owner of a good access token, who makes the request. */
export interface Identity {
  /** What Google knows the user by: random, permanent, the same for every link of that user. */
  agentUserId: string;
  /** The name typed on the login page. */
  user: string;
  /** The one link (authorization) that the token belongs to. */
  link: string;
}

/** The other end of a request, which waits for the answer. */
export interface Caller {
  /** When the request came, by the clock's `elapsed`. */
  since: number;
  /** Whether the connection ended before the answer. */
  readonly gone: boolean;
}

/** One thing to do, as Google sent it. */
export interface Execution {
  command: unknown;
  params: unknown;
  /** What the user answered to a question: `{ pin }` or `{ ack }`. */
  challenge: unknown;
}

/** An HTTP endpoint that reads the body itself, answers whatever happens, and never rejects. */
export type HttpHandler = (request: IncomingMessage & { body?: unknown }, response: ServerResponse) => Promise<void>;
