import type { Handlers } from './remote';

/** What a home's app and hub can do, whichever generation of matter.js it is made of. */
export interface LockStates {
  lockState: number | null;
  reachable: boolean;
  battery: number | null;
  batteryLevel: number | null;
  door: number | null;
  name: string;
  serial: string;
  firmware: string;
  endpoint: number;
}

export interface SeenEvent {
  name: string;
  [field: string]: unknown;
}

export interface CredentialResult {
  status: number;
  userIndex: number | null;
}

/** Its process answers these calls. A command that is refused is an error with the status's name in it. */
export interface Controller extends Handlers {
  pair: (code: { passcode: number; discriminator: number }) => Promise<void>;
  states: () => Promise<LockStates[]>;
  open: (pin?: string) => Promise<void>;
  close: (pin?: string) => Promise<void>;
  openFor: (seconds: number) => Promise<void>;
  setCode: (pin: string) => Promise<CredentialResult>;
  /** States of the lock in the order in which they were reported, and events likewise. */
  reported: () => (number | null)[];
  events: () => SeenEvent[];
  leave: () => Promise<void>;
}

/** What only a hub of the current generation is asked for. */
export interface CurrentController extends Controller {
  /** Opens and closes in turn, so often in all. */
  many: (commands: number) => Promise<void>;
  /** Opens. Resolves with when it was sent, in milliseconds of the system. */
  timedOpen: () => Promise<number>;
  /** Tries to write that unlocking needs no PIN. */
  needNoPin: () => Promise<void>;
}
