/** What the probe inside Node-RED and its other end say to each other. */

export interface ProbeMessage {
  /** Number of the message; comes back with what became of it. */
  probe: number;
  [property: string]: unknown;
}

export type ProbeOrder =
  /** Tell of every message that is completed. */
  | { do: 'watch'; order: number }
  | { do: 'send'; node: string; message: ProbeMessage }
  /** One message after the other: the next when the sink has received what became of the one before. */
  | { do: 'loop'; order: number; first: string; sink: string; count: number; message: Record<string, unknown> }
  /** The same with nothing but signed requests. */
  | {
      do: 'bare';
      order: number;
      url: string;
      identifier: string;
      code: string;
      firstTimestamp: number;
      count: number;
    }
  /** What the bare handler at `/probe/bare` answers from now on. */
  | { do: 'bare-answer'; order: number; text: string }
  /** `collect`: collects garbage before, if Node.js was started with --expose-gc. */
  | { do: 'usage'; order: number; reset: boolean; collect: boolean };

export interface ProbeUsage {
  rssBytes: number;
  heapBytes: number;
  /** Since the process began. */
  cpuMs: number;
  delayMeanMs: number;
  delayP99Ms: number;
  delayMaxMs: number;
  /** What keeps the process alive, by kind. */
  resources: Record<string, number>;
  /** Listeners on the process itself. */
  listeners: number;
}

export type ProbeEvent =
  /** For each `send`. Not taken: no node was there to take it. `problem`: what was thrown when it was handed over. */
  | { event: 'sent'; id: number; taken: boolean; at: number; problem?: string }
  /** A node called `done`; `code` and what follows only with an error. */
  | { event: 'complete'; node: string; id: number; at: number; code?: string; text?: string; cause?: unknown }
  | { event: 'output'; node: string; at: number; message: ProbeMessage }
  | { event: 'done'; order: number; starts?: number[]; ends?: number[]; usage?: ProbeUsage }
  | { event: 'failed'; order: number; text: string };
