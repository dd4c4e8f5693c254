/**
 * The status report of a security system: what is open, moved, or low on battery, entry by entry. Google's page on the
 * trait StatusReport; whether entries stop arming is told by `home.ts`.
 */
import type { Json } from '../../state/state';
import { isObject, isWholeNumber, type JsonObject } from '../json';
import type { Trait } from './trait';

/** @param ownId what an entry without a target is about: the panel itself */
export function statusReport(ownId: string): Trait {
  return {
    name: 'StatusReport',
    commands: [],
    words: ['currentStatusReport'],
    attributes: {},
    understand: () => undefined,
    fault: (_word, value) => {
      if (!Array.isArray(value)) return 'currentStatusReport must be a list';
      if (value.every((entry) => isObject(entry) && typeof statusCodeOf(entry) === 'string')) return undefined;
      return 'each entry of currentStatusReport (or exceptions) needs a statusCode';
    },
    next: (kept, { said }) => {
      const { currentStatusReport } = said;
      return Array.isArray(currentStatusReport)
        ? { currentStatusReport: currentStatusReport.filter(isObject).map((entry) => whole(entry, ownId)) }
        : { ...kept };
    },
    shown: (kept) => {
      const { currentStatusReport = [] } = kept;
      return { currentStatusReport };
    },
  };
}

/** The entries with another word on whether they stop something: it must agree with the answer's status. */
export function withBlocking(report: Json | undefined, blocking: boolean): JsonObject[] {
  return entriesOf(report).map((entry) => ({ ...entry, blocking }));
}

export function entriesOf(report: Json | undefined): JsonObject[] {
  return Array.isArray(report) ? report.filter(isObject) : [];
}

function statusCodeOf(entry: JsonObject): Json | undefined {
  const { statusCode } = entry;
  return statusCode;
}

/** An entry with all four of its fields, as the published schema has them. */
function whole(entry: JsonObject, ownId: string): JsonObject {
  const { blocking, deviceTarget, priority, statusCode = '' } = entry;
  return {
    blocking: blocking === true,
    deviceTarget: typeof deviceTarget === 'string' && deviceTarget !== '' ? deviceTarget : ownId,
    priority: isWholeNumber(priority) ? priority : 0,
    statusCode,
  };
}
