/**
 * The door lock that homes command. It decides nothing: each command goes to our thread, and what is shown comes from
 * there. What matter.js would do by itself (show at once what was asked for, lock again after a time) is replaced.
 */
import { uptime } from 'node:os';
import { Behavior, Bytes, FabricIndex, NodeId } from '@matter/main';
import { DoorLockServer } from '@matter/main/behaviors/door-lock';
import { DoorLock } from '@matter/main/clusters';
import { Status, StatusResponseError } from '@matter/main/types';
import type { BoltAction, LockEvent, Origin, Refusal } from '../port';
import { Codes } from './codes';

/** A command as it goes to our thread. */
export interface Asked {
  action: BoltAction;
  pin: string;
  origin: Origin;
  at: number;
}

/** What a lock asks of the bridge that it belongs to. A service of the environment that all of its endpoints share. */
export class Commands {
  constructor(
    /** Resolves with what our thread has answered; with a refusal where it did not in time. */
    readonly ask: (endpoint: string, asked: Asked) => Promise<Refusal | undefined>,
    /** Whether homes may set codes. */
    readonly takesCodes: (endpoint: string) => boolean,
  ) {}
}

const STATUS: Readonly<Record<Refusal, Status>> = {
  'wrong PIN': Status.Failure,
  'locked out': Status.Failure,
  busy: Status.Busy,
  late: Status.Timeout,
  failed: Status.Failure,
};

/** With every feature that one of our locks may have; `with` leaves those that it has. */
const Base = DoorLockServer.with('PinCredential', 'User', 'CredentialOverTheAirAccess', 'DoorPositionSensor');

export class BridgedLockServer extends Base {
  /** Not offered: nothing here locks a door again after a time, and no home shall believe it. */
  override unlockWithTimeout = Behavior.unimplemented;

  override async initialize(): Promise<void> {
    await super.initialize();
    const {
      requirePinForRemoteOperation$Changing,
      wrongCodeEntryLimit$Changing,
      userCodeTemporaryDisableTime$Changing,
    } = this.events;
    // These say how our own rules are; a home cannot change the rules by writing them.
    this.reactTo(requirePinForRemoteOperation$Changing, refuseWrite);
    this.reactTo(wrongCodeEntryLimit$Changing, refuseWrite);
    this.reactTo(userCodeTemporaryDisableTime$Changing, refuseWrite);
  }

  override lockDoor({ pinCode }: DoorLock.LockDoorRequest): Promise<void> {
    return this.command('close', pinCode);
  }

  override unlockDoor({ pinCode }: DoorLock.UnlockDoorRequest): Promise<void> {
    return this.command('open', pinCode);
  }

  override setUser(request: DoorLock.SetUserRequest): void | Promise<void> {
    if (!this.takesCodes) throw new StatusResponseError('codes are not managed here', Status.ResourceExhausted);
    return super.setUser(request) as void | Promise<void>;
  }

  override setCredential(request: DoorLock.SetCredentialRequest): DoorLock.SetCredentialResponse {
    if (this.takesCodes) return super.setCredential(request) as DoorLock.SetCredentialResponse;
    return { status: Status.ResourceExhausted, userIndex: null, nextCredentialIndex: null };
  }

  override get auth(): Codes {
    return new Codes(this.state, this.state.credentialKey ?? new Uint8Array());
  }

  /** A home was removed: its codes open nothing any more. */
  forget(fabric: FabricIndex): void {
    this.auth.forget(fabric);
  }

  report(event: LockEvent): void {
    if (event.type === 'alarm') {
      const alarmCode = DoorLock.AlarmCode[event.alarm === 'jammed' ? 'LockJammed' : 'WrongCodeEntryLimit'];
      this.events.doorLockAlarm.emit({ alarmCode }, this.context);
      return;
    }
    const { origin, action } = event;
    const what = {
      lockOperationType: DoorLock.LockOperationType[action === 'open' ? 'Unlock' : 'Lock'],
      operationSource: DoorLock.OperationSource[origin === null ? 'Unspecified' : 'Remote'],
      userIndex: origin?.user ?? null,
      fabricIndex: origin === null ? null : FabricIndex(origin.fabric),
      sourceNode: origin === null ? null : NodeId(BigInt(origin.controller)),
      credentials: null,
    };
    if (event.type === 'operation') {
      this.events.lockOperation.emit(what, this.context);
    } else {
      const isPin = event.refusal === 'wrong PIN' || event.refusal === 'locked out';
      const operationError = DoorLock.OperationError[isPin ? 'InvalidCredential' : 'Unspecified'];
      this.events.lockOperationError.emit({ ...what, operationError }, this.context);
    }
  }

  private get takesCodes(): boolean {
    return this.env.get(Commands).takesCodes(this.endpoint.id);
  }

  private async command(action: BoltAction, pinCode: Bytes | undefined): Promise<void> {
    const at = uptime() * 1000;
    const { context } = this;
    const controller = 'subject' in context && context.subject?.kind === 'node' ? context.subject.id : 0n;
    const user = pinCode !== undefined && this.takesCodes ? this.auth.userOf(pinCode) : null;
    const refusal = await this.env.get(Commands).ask(this.endpoint.id, {
      action,
      pin: pinCode === undefined ? '' : Buffer.from(Bytes.of(pinCode)).toString('latin1'),
      origin: { fabric: context.fabric ?? 0, controller: String(controller), user },
      at,
    });
    if (refusal !== undefined) throw new StatusResponseError(`${action}: ${refusal}`, STATUS[refusal]);
  }
}

function refuseWrite(this: BridgedLockServer): void {
  if (this.context.fabric !== undefined) {
    throw new StatusResponseError('set in Node-RED', Status.UnsupportedWrite);
  }
}
