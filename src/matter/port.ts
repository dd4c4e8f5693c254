/**
 * What the two threads say to each other: ours, which knows the locks, and the worker's, which alone has matter.js loaded.
 * Plain messages, so that either side can be tested without the other. A PIN travels in a command, and nowhere else.
 */

/** What a home is shown of a lock. Never anything but what was read, or null. */
export interface ShownLock {
  /** Null: never read, unknown, or out of reach. */
  bolt: 'locked' | 'unlocked' | 'jammed' | null;
  reachable: boolean;
  batteryPercent: number | null;
  door: 'open' | 'closed' | null;
  firmware: string;
}

/** What a home gets to know of a lock beside its state. */
export interface LockDescription {
  /** Decides the endpoint's number for good; names may change. */
  id: string;
  name: string;
  /** The lock's own number. */
  serial: string;
  /** Whether the homes are shown a battery, and a door beside the bolt. */
  battery: boolean;
  door: boolean;
  /** Unlocking needs a PIN. (Google's app unlocks nothing without.) */
  needsPin: boolean;
  /** PINs may be managed in the homes' apps. */
  appCodes: boolean;
  /** Milliseconds after which a home is answered "accepted"; what fails later, it learns as an event. */
  replyTimeoutMs: number;
  shown: ShownLock;
}

export interface BridgeDescription {
  /** What matter.js keeps, keys of the homes among it: `userDir/thekeys-gateway/matter/<id>`. Made, for its owner only. */
  folder: string;
  port: number;
  /** A network interface; empty: all. */
  interface: string;
  vendorId: number;
  productId: number;
  /** As a person typed it; may be empty. */
  name: string;
  /** Tells bridges apart. */
  serial: string;
  /** Of this package. */
  version: string;
  passcode: number;
  discriminator: number;
}

export type BoltAction = 'open' | 'close';

/** Why a command did not run. Decides the answer's status and the event's error. */
export type Refusal = 'wrong PIN' | 'locked out' | 'busy' | 'late' | 'failed';

/** Whose command it was: a fabric, one of its controllers, and a code of the app's where one was given. */
export interface Origin {
  fabric: number;
  controller: string;
  user: number | null;
}

export type LockEvent =
  /** Read, not assumed. Without an origin: by hand, or by something else than Matter. */
  | { type: 'operation'; action: BoltAction; origin: Origin | null }
  | { type: 'operationError'; action: BoltAction; origin: Origin; refusal: Refusal }
  | { type: 'alarm'; alarm: 'jammed' | 'wrong codes' };

/** A home that the bridge is paired with. */
export interface Home {
  /** The fabric's index, until it is removed. */
  index: number;
  /** What its owner calls it; may be empty. */
  label: string;
  /** "Apple Home", or the vendor's number. */
  vendor: string;
}

export interface Pairing {
  /** The text of the QR code. */
  qrText: string;
  /** Eleven digits. */
  manualCode: string;
  /** Milliseconds for which a home can still be paired; 0: not now; null: until there is one. */
  openForMs: number | null;
}

export type FailureReason = 'portInUse' | 'noInterface' | 'noIpv6' | 'folderInUse' | 'folder' | 'worker';

export type Request =
  { ask: 'pairAnother' } | { ask: 'removeHome'; index: number } | { ask: 'factoryReset' } | { ask: 'close' };

export type ToWorker =
  | { type: 'start'; bridge: BridgeDescription; locks: LockDescription[] }
  /** A lock that is new, or described anew. */
  | { type: 'lock'; lock: LockDescription }
  | { type: 'remove'; id: string }
  | { type: 'shown'; id: string; shown: ShownLock }
  | { type: 'event'; id: string; event: LockEvent }
  /** Absent refusal: accepted. */
  | { type: 'answer'; command: number; refusal?: Refusal }
  | { type: 'request'; request: number; ask: Request };

export type FromWorker =
  | { type: 'loaded' }
  | { type: 'online'; pairing: Pairing; homes: Home[] }
  | { type: 'failed'; reason: FailureReason; text: string }
  | {
      type: 'command';
      command: number;
      id: string;
      action: BoltAction;
      /** As it was typed; empty: none. */
      pin: string;
      origin: Origin;
      /** The system's uptime in milliseconds when the command came in: all threads share it. */
      at: number;
    }
  | { type: 'done'; request: number; error?: string }
  | { type: 'log'; level: 'warn' | 'debug'; text: string };
