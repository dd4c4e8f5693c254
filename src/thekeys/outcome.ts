/**
 * What one request came to, in the terms in which a command decides what to do next: done, refused, not sent, or sent
 * without a usable answer.
 */
import { foreignText } from '../common/foreign';
import type { StateError } from '../state/state';
import type { Refusal } from './wire';
import type { Call } from './calls';
import { gatewayError, type ErrorDetails, type GatewayError, type GatewayErrorCode } from './gateway-errors';
import type { ExchangeFailure, ExchangeFailureKind, HttpAnswer } from './exchange';

export type Outcome<T> = Done<T> | Refused | Unsent | Lost;
export interface Done<T> {
  kind: 'done';
  value: T;
  /** On the clock's `elapsed()`. */
  sentAt: number;
}
/** The gateway said no, and nothing happened. */
export interface Refused {
  kind: 'refused';
  error: GatewayError;
  /** With which the request was signed. */
  timestamp: number | undefined;
}
/** Nothing left this machine. */
export interface Unsent {
  kind: 'unsent';
  error: GatewayError;
}
/** It may have reached the gateway, and no usable answer came. */
export interface Lost {
  kind: 'lost';
  error: GatewayError;
  why: string;
  /** Whether the call moves a bolt or writes a firmware. */
  acts: boolean;
  sentAt: number;
}

export interface Request<T> {
  call: Call<T>;
  timestamp: number | undefined;
  sentAt: number;
}

/** What else may explain a refusal. */
export interface Circumstances {
  /** Milliseconds since 1970. */
  now: number;
  /** As in `State`. */
  otherOwner?: string | undefined;
}

export function answered<T>(answer: HttpAnswer, request: Request<T>, circumstances: Circumstances): Outcome<T> {
  const { call, timestamp, sentAt } = request;
  const reply = call.read(answer.body);
  switch (reply.kind) {
    case 'ok':
      return { kind: 'done', value: reply.value, sentAt };
    case 'refused':
      return { kind: 'refused', error: refusal(reply, answer, circumstances), timestamp };
    case 'unusable': {
      const message = `${reply.why} (${call.path})`;
      const error = gatewayError('BAD_RESPONSE', { message, httpStatus: answer.status });
      return { kind: 'lost', error, why: reply.why, acts: call.acts, sentAt };
    }
  }
}

export function failed(
  { kind, sent, reason, status }: ExchangeFailure,
  { call, sentAt }: Request<unknown>,
): Unsent | Lost {
  if (!sent && (kind !== 'protocol' || call.acts)) return { kind: 'unsent', error: unreachable(reason) };
  const lost = LOST[kind];
  const why = lost?.why ?? 'the connection was lost before the answer';
  const error = gatewayError(lost?.code ?? 'GATEWAY_UNREACHABLE', {
    message: lost === undefined ? 'the gateway closed the connection before it answered' : `${why} (${call.path})`,
    httpStatus: status,
  });
  return { kind: 'lost', error, why, acts: call.acts, sentAt };
}

/** An action may have been carried out. @param end of the sentence that tells what is known */
export function resultUnknown({ error }: Lost, end: string): GatewayError {
  const message = `the command was sent, ${end}`;
  return gatewayError('RESULT_UNKNOWN', { message, httpStatus: error.cause.httpStatus });
}

/** Without the shared state two processes could use the same timestamp, so nothing is sent. */
export function sharedStateLost(error: StateError): GatewayError {
  return gatewayError('GATEWAY_UNREACHABLE', {
    message: `the state shared with other processes cannot be reached (${error.reason}), so nothing was sent`,
    hint: 'Check the Redis server named in the gateway configuration.',
    badge: 'sharedStateLost',
  });
}

/** Why there is no answer, where it is not that the connection was lost. */
const LOST: Partial<Record<ExchangeFailureKind, { code: GatewayErrorCode; why: string }>> = {
  timeout: { code: 'GATEWAY_TIMEOUT', why: 'no answer came in time' },
  aborted: { code: 'GATEWAY_TIMEOUT', why: 'it was given up before an answer came' },
  size: { code: 'BAD_RESPONSE', why: 'the answer was too large' },
  protocol: {
    code: 'BAD_RESPONSE',
    why: 'what answers at the address of the gateway is none: it does not answer in HTTP',
  },
};

/** System words that people search for, with what they mean. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens at its address',
  EHOSTUNREACH: 'no route to its address',
  ENETUNREACH: 'no route to its address',
  ENOTFOUND: 'its name is not known in this network',
  EAI_AGAIN: 'its name could not be looked up',
  ETIMEDOUT: 'nothing answers at its address',
};

function unreachable(reason: string): GatewayError {
  const message = `the gateway cannot be reached: ${REASONS[reason] ?? 'the connection failed'} (${reason})`;
  const isOfName = reason === 'ENOTFOUND' || reason === 'EAI_AGAIN';
  return gatewayError('GATEWAY_UNREACHABLE', { message, ...(isOfName ? { badge: 'unknownName' } : {}) });
}

function refusal(
  { code, gatewayCode, detail }: Refusal,
  { status, headers }: HttpAnswer,
  circumstances: Circumstances,
): GatewayError {
  const details = { gatewayCode, httpStatus: status, ...explanation(code, headers, circumstances) };
  if (detail === undefined || details.message !== undefined) return gatewayError(code, details);
  // A gateway may quote the request, and with it a hash.
  const said = foreignText(detail.replace(/[A-Za-z0-9+/=%]{24,}/g, '…'), 80);
  return gatewayError(code, { ...details, message: `${gatewayError(code).message}: "${said}"` });
}

/** Clocks that differ by more would explain a refused timestamp. */
const SAME_TIME_MS = 60_000;

/** What is known besides the gateway's word of a refusal that signature or time are wrong. */
function explanation(
  code: GatewayErrorCode,
  headers: HttpAnswer['headers'],
  { now, otherOwner }: Circumstances,
): Pick<ErrorDetails, 'message' | 'hint' | 'badge'> {
  if (code !== 'GATEWAY_CLOCK' && code !== 'INVALID_HMAC') return {};
  // Whose clock is wrong cannot be known from here; that they differ can, where the gateway's answer has a date.
  const apart = Math.abs(Date.parse(headers.date ?? '') - now);
  const shown = `${new Date(now).toISOString().slice(0, 16).replace('T', ' ')} UTC`;
  if (apart > SAME_TIME_MS) {
    return {
      message: `the clocks of this machine and of the gateway are ${Math.round(apart / 60_000)} minutes apart; this one shows ${shown}`,
      hint: `This machine shows ${shown}. If that is wrong, set its clock; if it is right, check that the gateway reaches the internet, then restart it.`,
      badge: 'clocksApart',
    };
  }
  if (code === 'GATEWAY_CLOCK') {
    return {
      message: `the gateway does not accept the time of the command (${shown}), and synchronizing it has not changed that`,
      hint: `Either clock may be wrong. This machine shows ${shown}. If that is right, check that the gateway reaches the internet, then restart it.`,
      badge: 'clockRefused',
    };
  }
  if (otherOwner === undefined) return {};
  return {
    message: `the gateway rejected the signature, and ${otherOwner} keeps its timestamps in the same folder`,
    hint: 'Two Node-REDs use one user directory, so that the gateway refuses commands of both. Give each one of its own, and let them share a Redis (Shared state). If it goes on after that, compare the share code.',
    badge: 'otherOwner',
  };
}
