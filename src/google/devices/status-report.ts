/**
 * The status report of a security system: what is open, moved, or low on battery, entry by entry. Google's page on the
 * trait StatusReport; whether entries stop arming is decided in `permission.ts` and `results.ts`.
 */
import { isRecord, type Json } from '../../common/json';
import type { JsonObject } from '../types';
import { isWholeNumber, type Trait } from './trait';

/** @param ownId what an entry without a target is about: the panel itself */
export function statusReport(ownId: string): Trait {
  return {
    commands: [],
    states: ['currentStatusReport'],
    fault: (_state, value) => reportFault(value),
    next: (kept, { said: { currentStatusReport: report } }) =>
      Array.isArray(report) ? { currentStatusReport: entriesOf(report).map((entry) => whole(entry, ownId)) } : kept,
    shown: ({ currentStatusReport = [] }) => ({ currentStatusReport }),
  };
}

/** Why something is no status report, or undefined. */
export function reportFault(value: unknown): string | undefined {
  if (!Array.isArray(value)) return 'currentStatusReport must be a list';
  if (value.every((entry) => isRecord(entry) && typeof entry.statusCode === 'string')) return undefined;
  return 'each entry of currentStatusReport (or exceptions) needs a statusCode';
}

/** The entries with another word on whether they stop something: it must agree with the answer's status. */
export function withBlocking(report: Json | undefined, blocking: boolean): JsonObject[] {
  return entriesOf(report).map((entry) => ({ ...entry, blocking }));
}

export function entriesOf(report: Json | undefined): JsonObject[] {
  return Array.isArray(report) ? report.filter((entry): entry is JsonObject => isRecord(entry)) : [];
}

/** An entry with all four of its fields, as the published schema has them. */
function whole({ blocking, deviceTarget, priority, statusCode = '' }: JsonObject, ownId: string): JsonObject {
  return {
    blocking: blocking === true,
    deviceTarget: typeof deviceTarget === 'string' && deviceTarget !== '' ? deviceTarget : ownId,
    priority: isWholeNumber(priority) ? priority : 0,
    statusCode,
  };
}
