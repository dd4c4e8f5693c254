/** What the lock nodes see of their `gateway-config`: the gateway, the lock that its share opens, and the code for it. */
import type { NodeAPI } from 'node-red';
import { invalidInput } from '../../src/common/errors';
import { choice, seconds, text, textSetting, typed, type Settings } from '../../src/common/settings';
import type { Share } from '../../src/thekeys/calls';
import type { Member } from '../../src/thekeys/member';
import type { Readings } from '../../src/thekeys/readings';
import { faultOfCode } from '../../src/thekeys/calls';
import { accountOf } from './define-config';
import type { RunningNode } from './define-node';
import { asCoded } from './errors';

export interface GatewayAccess {
  /** `host:port` */
  readonly address: string;
  /** Runs a command on the gateway. @throws GatewayError, CodedError INVALID_INPUT, or the signal's reason */
  run: Member['run'];
  /** Follows the gateway: with the object that stands for it, and again with another that takes its place. */
  attach: Member['attach'];
  /** What is known of a lock from before, whichever node asked. */
  readonly readings: Pick<Readings, 'known'>;
  /** Milliseconds for one answer. */
  readonly timeoutMs: number;
  /** The lock that the configuration names; empty where it names none. */
  readonly identifier: string;
  /** The lock of the one configuration that has this name. */
  readonly named: (name: string) => string | undefined;
  /** The name of the configuration that is for this lock; empty where none has one. */
  readonly nameOf: (identifier: string) => string;
  /** Why what answers may be another gateway than before. */
  readonly notice: () => string | undefined;
  /** A lock with the code that signs for it. @throws CodedError INVALID_INPUT where no usable code is known */
  share(identifier: string): Share;
}

/** Milliseconds until which a reading may have had its turn. */
export const READ_DEADLINE_MS = 30_000;
/** Seconds. */
const LONGEST = 86_400;

/** Settings that several lock nodes have. */
export const lockSetting = typed(text('the lock of the node'));
export const deadlineSetting = typed(seconds('the deadline of the node', { fallback: 0, most: LONGEST, zero: true }));
export const intervalSetting = seconds('the interval of the node', { fallback: 0, zero: true, most: LONGEST });
export const emitSetting = choice('what the node sends', ['change', 'always'], 'change');

/** @throws CodedError INVALID_INPUT */
export function gatewayOf(RED: NodeAPI, id: unknown): GatewayAccess {
  return accountOf(RED, 'gateway-config', id, 'gateway') as GatewayAccess;
}

/** A share code that can be one. @throws CodedError INVALID_INPUT */
export function checkedCode(typed: string): string {
  // The text of a variable that does not exist would sign, with a code that everyone can read in the flow.
  const code = textSetting(typed, 'the share code');
  const isPart = /\$\{\w+\}/.test(code);
  const fault = isPart ? 'Node-RED fills in a variable only where it is the whole share code' : faultOfCode(code);
  if (fault === undefined) return code;
  throw invalidInput(
    fault,
    'Type the share code that the app of The Keys shows for the share with this gateway.',
    'noCode',
  );
}

/** The badge at deploy: nothing yet, or that no share code is known for the node's lock. */
export function startOf(
  node: Pick<RunningNode<Settings>, 'badge' | 'showFailure'>,
  access: GatewayAccess,
  ofNode?: string,
): void {
  const lock = ofNode === '' ? access.identifier : ofNode;
  try {
    if (lock !== undefined && lock !== '') access.share(lock);
    node.badge.clear();
  } catch (error) {
    // Only in the badge: a message may name a lock whose code another configuration has.
    node.showFailure(asCoded(error));
  }
}
