/**
 * One simulated lock: bolt, battery, log counter, and everything about it that can be wrong. It knows nothing of requests;
 * the gateway asks it, tests turn it.
 */
import type { Clock } from '../../src/common/clock';

/** The two hardware families, by their cells. Figures: the millivolts that clients report from either. */
const HARDWARE = {
  v1: { fullMillivolts: 4065, emptyMillivolts: 3100, moveMillivolts: 0.5, radioMillivolts: 0.05, version: 57 },
  v2: { fullMillivolts: 8131, emptyMillivolts: 6100, moveMillivolts: 1, radioMillivolts: 0.1, version: 81 },
} as const;

/** Positions of the published samples; nobody knows the scale. */
const POSITION = { closed: 4, open: 20, unknown: 0 } as const;

export type BoltState = 'open' | 'closed' | 'unknown';

export interface SimulatedLockOptions {
  /** "ID serrure", digits. */
  identifier: string;
  /** The code of its share with the gateway: printable ASCII, any length. */
  code: string;
  hardware?: keyof typeof HARDWARE;
  state?: BoltState;
  batteryMillivolts?: number;
  rssi?: number;
  version?: number;
  lastLog?: number;
  /** Whether a movement is counted when it begins, or when the bolt has arrived. Default `end`. */
  counts?: 'start' | 'end';
}

export class SimulatedLock {
  readonly identifier: string;
  /** Changes when somebody makes a new share. */
  code: string;
  version: number;
  batteryMillivolts: number;
  /** Mean signal strength; the gateway adds noise. */
  rssi: number;

  /** False: the gateway does not hear it: it is absent from the list (34 for its requests). */
  inSight = true;
  /** False: 35. */
  compatible = true;
  /** False: the gateway does not know the share yet (32), until it is synchronized. */
  shareKnown = true;
  /** False: the lock refuses the key (36), until it is synchronized. */
  keyKnown = true;
  /** True: the radio connection fails (37). */
  radioFails = false;
  /** True: the bolt is stuck. The lock takes commands, says ok, and stays as it is. */
  jammed = false;

  private bolt: BoltState;
  private log: number;
  /** When a movement is counted. May be changed. */
  counts: 'start' | 'end';
  private motion: { to: BoltState; until: number; elsewhere: boolean; counted: boolean } | undefined;
  private readonly hardware: (typeof HARDWARE)[keyof typeof HARDWARE];

  constructor(
    options: SimulatedLockOptions,
    private readonly clock: Clock,
  ) {
    this.hardware = HARDWARE[options.hardware ?? 'v2'];
    this.identifier = options.identifier;
    this.code = options.code;
    this.bolt = options.state ?? 'closed';
    this.batteryMillivolts = options.batteryMillivolts ?? this.hardware.fullMillivolts;
    this.rssi = options.rssi ?? -62;
    this.version = options.version ?? this.hardware.version;
    this.log = options.lastLog ?? 100;
    this.counts = options.counts ?? 'end';
  }

  /** What the lock would say now. While the bolt travels it still says where it came from. */
  get state(): BoltState {
    this.settle();
    return this.bolt;
  }

  /** True while it carries out what the gateway asked for. Of a movement that others began, the gateway knows nothing. */
  get moving(): boolean {
    this.settle();
    return this.motion?.elsewhere === false;
  }

  /** Counts bolt movements. Writable: it may start anew, lower, after a reset of the lock. */
  get lastLog(): number {
    this.settle();
    return this.log;
  }

  set lastLog(value: number) {
    this.log = value;
  }

  get position(): number {
    return POSITION[this.state];
  }

  /** Sets the bolt in motion by motor; it arrives after `travelMs`. */
  move(to: 'open' | 'closed', travelMs: number): void {
    this.begin(to, travelMs, false);
  }

  /** The same without the gateway: from the app, a keypad, a remote control. */
  moveElsewhere(to: 'open' | 'closed', travelMs: number): void {
    this.begin(to, travelMs, true);
  }

  /** The lock learns its end positions: it runs to both and comes to rest where it was, or closed if it did not know. */
  calibrate(travelMs: number): void {
    this.move(this.state === 'open' ? 'open' : 'closed', travelMs);
  }

  /** Somebody turns the key or the knob: at once, and the gateway learns of it by `last_log` only. */
  turnByHand(to?: 'open' | 'closed'): void {
    this.settle();
    this.motion = undefined;
    this.bolt = to ?? (this.bolt === 'open' ? 'closed' : 'open');
    this.log += 1;
  }

  /** The lock starts anew, as after an update: it does not know its state until it moves. */
  reboot(): void {
    this.motion = undefined;
    this.bolt = 'unknown';
  }

  /** A radio round trip was made, which costs a little. */
  spoken(): void {
    this.drain(this.hardware.radioMillivolts);
  }

  private drain(millivolts: number): void {
    this.batteryMillivolts = Math.max(this.hardware.emptyMillivolts, this.batteryMillivolts - millivolts);
  }

  private begin(to: BoltState, travelMs: number, elsewhere: boolean): void {
    this.settle();
    this.drain(this.hardware.moveMillivolts);
    const counted = this.counts === 'start';
    if (counted) this.log += 1;
    this.motion = { to: this.jammed ? this.bolt : to, until: this.clock.elapsed() + travelMs, elsewhere, counted };
    this.settle();
  }

  private settle(): void {
    if (this.motion === undefined || this.clock.elapsed() < this.motion.until) return;
    this.bolt = this.motion.to;
    if (!this.motion.counted) this.log += 1;
    this.motion = undefined;
  }
}
