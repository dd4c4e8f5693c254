/**
 * What the halves of the Google side promise each other: account linking on one hand, devices and their commands on the
 * other, and the way to Google's Home Graph between them. Only shapes; each is kept by the file that implements it.
 */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Json } from '../common/json';

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

export interface Accounts {
  /** Whose access token this is; undefined for one that is unknown, expired or ended. @throws StateError */
  authenticate(bearer: string): Promise<Identity | undefined>;
  /** Ends every token of that user's link alone. Durable when it resolves. */
  disconnect(agentUserId: string, link: string): Promise<void>;
  /** The `agentUserId` of every user who has a living link. */
  linkedUsers(): Promise<string[]>;
  /** Calls back with the user after a link began or ended, in whichever process; the returned function stops that. */
  onLinksChanged(listener: (agentUserId: string) => void): () => void;
  close(): Promise<void>;
}

/**
 * An HTTP endpoint that reads the raw body itself (with a cap), or takes `request.body` where some middleware has parsed
 * it already, answers whatever happens, and never rejects.
 */
export type HttpHandler = (request: IncomingMessage & { body?: unknown }, response: ServerResponse) => Promise<void>;

/** Google's word on a command that was answered `PENDING`, in the shape of `followUpResponse`. */
export type FollowUpResponse =
  | ({ status: 'SUCCESS'; followUpToken: string } & States)
  | { status: 'FAILURE'; followUpToken: string; errorCode: string };

/**
 * The way to Google. Every call returns at once and never throws: what is sent when, in which order, how often again, is
 * the implementation's. Without a service account key it does nothing.
 */
export interface HomeGraph {
  /** Whether anything is sent: there is a usable service account key. */
  readonly enabled: boolean;
  /**
   * Reports to these users' Home Graph what devices are. `states` maps a device to all states of its traits and `online`.
   * Calls come in the order of what happened; a later one replaces what is still waiting for the same device.
   */
  report(agentUserIds: readonly string[], states: Readonly<Record<string, States>>): void;
  /** Sent as `notifications.<deviceId>.<trait> = { priority: 0, followUpResponse: response }`, `trait` without its prefix. */
  followUp(agentUserId: string, deviceId: string, trait: string, response: FollowUpResponse): void;
  /**
   * A notification that answers no command (`ObjectDetection`, `LockUnlock`, …), to each of these users once, as
   * `notifications.<deviceId>.<trait>`, with an `eventId` of its own.
   */
  notify(agentUserIds: readonly string[], deviceId: string, trait: string, notification: JsonObject): void;
  /**
   * Asks Google to read the device list of these users again. Resolves when that is over, and never rejects: true if
   * Google has got it for each of them, false if it could not be reported, or was given up.
   */
  requestSync(agentUserIds: readonly string[]): Promise<boolean>;
  /** Forgets what waits for a user who is no longer linked. */
  forget(agentUserId: string): void;
  close(): Promise<void>;
}
