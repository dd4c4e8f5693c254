/**
 * What goes wrong with the simulated gateway, and when: a list that a test writes, or chance with a seed. What each fault
 * does to a request is told here as data; carrying it out is left to the gateway and, for connections, to its server.
 */
import { seeded } from '../random';

/**
 * Each kind, and whether the gateway carries the request out nevertheless.
 * `refuse`: no connection for a while; `reset-before`: the connection drops before anything was done; `reset-after`: all
 * was done and the answer is lost; `hang`: no answer, the connection stays; `slow`: the answer comes late; `truncated`:
 * the connection drops in the middle of the answer; `garbage`, `empty`, `html`, `huge`: an answer of no use; `redirect`:
 * sends the client elsewhere; `busy`, `code`: refused that way; `forged`: refused in words that would forge log lines;
 * `clock-invalid`: the gateway loses its clock, until it is synchronized.
 */
const ACTS = {
  refuse: false,
  'reset-before': false,
  'reset-after': true,
  hang: false,
  slow: true,
  truncated: true,
  garbage: true,
  empty: true,
  html: true,
  huge: true,
  redirect: false,
  busy: false,
  code: false,
  forged: false,
  'clock-invalid': true,
} as const satisfies Record<string, boolean>;

export type FaultKind = keyof typeof ACTS;
export const FAULT_KINDS = Object.keys(ACTS) as FaultKind[];

export interface Fault {
  kind: FaultKind;
  /** Only requests for this path; others pass unharmed. */
  path?: string;
  /** How many requests it meets. Default 1. */
  times?: number;
  /** Whether the gateway does what was asked before it fails. Default: by kind. */
  acts?: boolean;
  /** `slow`: milliseconds (default 5000). `refuse`: how long, over real connections (default 250 for each of `times`). */
  ms?: number;
  /** `code`, `forged`: the gateway's error code (default 37). */
  code?: number;
}

/** A fault that meets a request now. */
export interface Strike {
  readonly kind: FaultKind;
  readonly acts: boolean;
  readonly ms: number | undefined;
  readonly code: number;
}

export interface RandomFaults {
  seed: number;
  /** Share of the requests that meet a fault, 0 to 1. */
  rate: number;
  /** Default: every kind. */
  kinds?: readonly FaultKind[];
  /** Only requests for these paths. Default: every path. */
  paths?: readonly string[];
}

const OTHER_FAILURE = 37;

export class Faults {
  private readonly script: { fault: Fault; left: number }[] = [];
  private chance: (RandomFaults & { next: () => number; kinds: readonly FaultKind[] }) | undefined;

  /** `refuseFor` is asked first: over real connections a refusal lasts a time and cannot count requests. */
  constructor(private readonly refuseFor: (ms: number) => boolean) {}

  /** The next request (for `path`, where given) meets this fault; several wait for their requests in order. */
  next(fault: Fault): void {
    const times = fault.times ?? 1;
    if (fault.kind === 'refuse' && fault.path === undefined && this.refuseFor(fault.ms ?? 250 * times)) return;
    this.script.push({ fault, left: times });
  }

  /** From now on requests that meet no scripted fault may meet one by chance. */
  random(faults: RandomFaults): void {
    this.chance = { ...faults, next: seeded(faults.seed), kinds: faults.kinds ?? FAULT_KINDS };
  }

  /** No faults any more. */
  clear(): void {
    this.script.length = 0;
    this.chance = undefined;
  }

  /** How many requests the script still waits for. */
  get pending(): number {
    return this.script.reduce((sum, { left }) => sum + left, 0);
  }

  /** The fault that this request meets, if any; it is used up by that. */
  take(path: string): Strike | undefined {
    const index = this.script.findIndex(({ fault }) => fault.path === undefined || fault.path === path);
    const entry = this.script[index];
    if (entry !== undefined) {
      entry.left -= 1;
      if (entry.left <= 0) this.script.splice(index, 1);
      return strikeOf(entry.fault);
    }
    if (this.chance?.paths?.includes(path) === false) return undefined;
    if (this.chance === undefined || this.chance.next() >= this.chance.rate) return undefined;
    const kind = this.chance.kinds[Math.floor(this.chance.next() * this.chance.kinds.length)];
    if (kind === undefined) return undefined;
    // By chance an endless wait may also come after the work was done: the client cannot know which.
    return kind === 'hang' ? strikeOf({ kind, acts: this.chance.next() < 0.5 }) : strikeOf({ kind });
  }
}

function strikeOf(fault: Fault): Strike {
  return { kind: fault.kind, acts: fault.acts ?? ACTS[fault.kind], ms: fault.ms, code: fault.code ?? OTHER_FAILURE };
}
