/**
 * One account's house: its devices, the commands that Google sends to them, and the answers that flows give. It decides in
 * which order questions are asked (PIN, open sensors, flow), waits for the flow no longer than Google does, and keeps
 * what the devices are. Shapes of requests are left to `fulfillment.ts`, of flow messages to `answers.ts`.
 */
import type { Clock } from '../common/clock';
import { invalidInput, textOf } from '../common/errors';
import type { State } from '../state/state';
import { Announcer } from './announcer';
import { parseAnswer, type Message, type Saying } from './answers';
import { Challenges, type Matter } from './challenges';
import { Device } from './devices/device';
import { entriesOf, withBlocking } from './devices/status-report';
import type { Action, Command } from './devices/trait';
import type { GoogleCode } from './error-codes';
import type { Execution, House, Result } from './fulfillment';
import { isObject, type JsonObject } from './json';
import { PendingCommands } from './pending';
import type { DeviceSettings } from './settings';
import { DeviceStates } from './states';
import type { Accounts, FollowUpResponse, HomeGraph, Identity, States } from './types';

/** What a flow is told of a command. */
export interface CommandMessage {
  payload: {
    command: string;
    params: JsonObject;
    action?: Action;
    deviceId: string;
    acknowledged?: true;
  };
  /** The handle by which the flow answers. */
  google: string;
}

/** What came of a message for a device: for the badge of the node that sent it. */
export type Settled =
  | { kind: 'answered'; status: Result['status']; code?: string; late: boolean }
  | { kind: 'reported' }
  /** The handle was used before, or its time is over; `told` when that was said already. */
  | { kind: 'spent'; told: boolean }
  /** An error that nobody's command led to. */
  | { kind: 'ignored' };

export interface HomeOptions {
  accounts: Accounts;
  graph: HomeGraph;
  state: State;
  clock: Clock;
  /** Begins every key that is kept. */
  prefix: string;
  /** A new handle: unguessable, unique. */
  newHandle: () => string;
  warn: (message: string) => void;
}

/** A device's way into the flow. */
export interface Outlet {
  /** Takes a command into the flow. */
  deliver: (message: CommandMessage) => void;
  /** Hears how a request ended that Google sent for the device; of a pending one, again when its answer came. */
  concluded?: (result: Result) => void;
}

interface Registered {
  device: Device;
  outlet: Outlet;
  /** The answer to the last query, and the states it was made of. */
  answered?: { states: Readonly<States>; answer: JsonObject };
}

/** All executions of one request for one device. */
interface Run {
  /** Google has been answered `PENDING`; what comes now goes by report and follow-up. */
  late: boolean;
  /** Starts the time that Google waits; does nothing the second time. */
  begin: () => void;
}

/** A command that the flow knows of. */
interface Pending {
  run: Run;
  identity: Identity;
  device: Device;
  deviceId: string;
  command: Command;
  matter: Matter;
  resolve: (result: Result) => void;
}

/** What a follow-up tells of a trait (Google's follow-up schema of LockUnlock; the others by its likeness). */
const FOLLOW_UP_WORDS: Readonly<Record<string, readonly string[]>> = {
  LockUnlock: ['isLocked'],
  ArmDisarm: ['isArmed', 'currentArmLevel', 'exitAllowance'],
  OpenClose: ['openPercent'],
  StartStop: ['isRunning', 'isPaused'],
};

export class SmartHome implements House {
  private readonly registered = new Map<string, Registered>();
  private readonly challenges: Challenges;
  private readonly states: DeviceStates;
  private readonly pending: PendingCommands<Pending>;
  private readonly announcer: Announcer;
  private closed = false;

  constructor(private readonly options: HomeOptions) {
    this.challenges = new Challenges(options);
    this.states = new DeviceStates(options);
    this.pending = new PendingCommands(options.clock, options.newHandle);
    this.announcer = new Announcer({
      ...options,
      statesOf: (id) => this.registered.get(id)?.device.shown(this.states.of(id), options.clock.now()),
      devices: () => this.devices(),
    });
  }

  /** Resolves when the states of the last run are known. */
  get ready(): Promise<void> {
    return this.states.ready;
  }

  /**
   * Adds a device. The returned function removes it again.
   * @throws CodedError `INVALID_INPUT` where another device has this id
   */
  register(settings: DeviceSettings, outlet: Outlet): () => void {
    if (this.registered.has(settings.id)) {
      throw invalidInput(`two devices have the id ${settings.id}`, 'Give each device of an account its own device id.');
    }
    const entry: Registered = { device: new Device(settings), outlet };
    this.registered.set(settings.id, entry);
    this.announcer.devicesChanged();
    return () => {
      if (this.registered.get(settings.id) !== entry) return;
      this.registered.delete(settings.id);
      this.announcer.devicesChanged();
    };
  }

  devices(): JsonObject[] {
    return [...this.registered]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([, { device }]) => device.describe());
  }

  query(deviceId: string): JsonObject {
    const entry = this.registered.get(deviceId);
    if (entry === undefined) return { status: 'ERROR', online: false, errorCode: 'deviceNotFound' };
    const states = entry.device.shown(this.states.of(deviceId), this.options.clock.now());
    // Google asks far more often than anything changes.
    if (entry.answered?.states !== states) entry.answered = { states, answer: queryAnswer(states) };
    return entry.answered.answer;
  }

  async disconnect({ agentUserId, link }: Identity): Promise<void> {
    const { accounts, graph } = this.options;
    await accounts.disconnect(agentUserId, link);
    if (!(await accounts.linkedUsers()).includes(agentUserId)) graph.forget(agentUserId);
  }

  async execute(identity: Identity, deviceId: string, executions: readonly Execution[]): Promise<Result> {
    const entry = this.registered.get(deviceId);
    if (entry === undefined) return failed('deviceNotFound');
    if (executions.length === 0) return failed('protocolError', 'nothing to execute');
    const result = await this.inTime(identity, entry, executions);
    entry.outlet.concluded?.(result);
    return result;
  }

  /** Carries out what was asked, and answers `PENDING` in its place when the flow takes longer than it may. */
  private inTime(identity: Identity, entry: Registered, executions: readonly Execution[]): Promise<Result> {
    return new Promise((resolve) => {
      let cancel: (() => void) | undefined;
      const run: Run = {
        late: false,
        begin: () => {
          cancel ??= this.options.clock.after(entry.device.settings.replyTimeoutMs, () => {
            run.late = true;
            resolve({ status: 'PENDING' });
          });
        },
      };
      this.inOrder(run, identity, entry, executions)
        .catch((error: unknown) => {
          this.options.warn(`a command of Google could not be carried out: ${textOf(error)}`);
          return failed('transientError');
        })
        .then((result) => {
          cancel?.();
          resolve(result);
        }, resolve);
    });
  }

  /**
   * Takes a message of a flow: the answer to the command of its handle, or else a state of `deviceId`.
   * @throws CodedError `INVALID_INPUT` where it is neither; a command answered so is answered with an error
   */
  async take(message: Message & { google?: unknown }, deviceId: string): Promise<Settled> {
    await this.ready;
    const handle = typeof message.google === 'string' && message.google !== '' ? message.google : undefined;
    const commanded = handle === undefined ? undefined : this.pending.deviceOf(handle);
    // A message may have come a long way from the command of one device, and speak of another by now.
    const elsewhere = commanded !== undefined && deviceId !== '' && deviceId !== commanded;
    return handle === undefined || elsewhere ? this.tellState(message, deviceId) : this.answer(message, handle);
  }

  /** Commands that wait are answered with an error. States are written before it resolves. */
  async close(): Promise<void> {
    this.closed = true;
    this.announcer.close();
    for (const waiting of this.pending.close()) waiting.resolve(failed('deviceNotReady'));
    await this.states.close();
  }

  private async inOrder(
    run: Run,
    identity: Identity,
    entry: Registered,
    executions: readonly Execution[],
  ): Promise<Result> {
    await this.ready;
    let whole: Result = { status: 'SUCCESS' };
    for (const execution of executions) {
      const result = await this.one(run, identity, entry, execution);
      if (result.status !== 'SUCCESS' && result.status !== 'PENDING') return result;
      // Once one is pending, the device is.
      whole =
        whole.status === 'PENDING' || result.status === 'PENDING'
          ? { status: 'PENDING' }
          : { status: 'SUCCESS', states: { ...whole.states, ...result.states } };
    }
    return whole;
  }

  private async one(run: Run, identity: Identity, entry: Registered, execution: Execution): Promise<Result> {
    const { device } = entry;
    if (typeof execution.command !== 'string') return failed('protocolError', 'an execution has no command');
    const command = device.understand(execution.command, execution.params);
    if ('refusal' in command) return failed(command.refusal, command.why);
    const needsPin = pinNeeded(device.settings, command);
    const matters = mattersOf(identity, device, command, needsPin, execution.params);
    const [matter] = matters;
    const permission = await this.permit(identity, device, matters, needsPin, execution.challenge);
    if ('refused' in permission) return permission.refused;
    if (command.refused !== undefined) return failed(command.refused);
    const stopped = await this.openSensors(device, command, matter, permission.acknowledged);
    if (stopped !== undefined) return stopped;
    return this.dispatch(run, identity, entry, command, matter, permission.acknowledged);
  }

  /** Whether the user may, and whether they have agreed to what they were asked. */
  private async permit(
    identity: Identity,
    device: Device,
    matters: Matters,
    needsPin: boolean,
    challenge: unknown,
  ): Promise<{ acknowledged: boolean } | { refused: Result }> {
    const { agentUserId } = identity;
    // An object without the member that was asked for is no answer.
    const { pin, ack } = isObject(challenge) ? challenge : {};
    if (ack === false) {
      await this.challenges.forget(matters[0]);
      return { refused: failed('userCancelled') };
    }
    const agreed = async (): Promise<boolean> => {
      if (ack !== true) return false;
      for (const matter of matters) if (await this.challenges.redeem(matter)) return true;
      return false;
    };
    if (!needsPin) return { acknowledged: await agreed() };
    if (device.settings.pin === '') return { refused: failed('challengeFailedNotSetup') };
    const given = typeof pin === 'string' ? pin.replace(/\s+/g, '') : '';
    if (given !== '') {
      const verdict = await this.challenges.checkPin(agentUserId, device.id, given, device.settings.pin);
      if (verdict === 'right') return { acknowledged: await agreed() };
      return {
        refused: verdict === 'wrong' ? challenged('challengeFailedPinNeeded') : failed('tooManyFailedAttempts'),
      };
    }
    if (await this.challenges.lockedOut(agentUserId, device.id)) return { refused: failed('tooManyFailedAttempts') };
    return (await agreed()) ? { acknowledged: true } : { refused: challenged('pinNeeded') };
  }

  /** What is answered to arming, before the flow is told, because something is open. */
  private async openSensors(
    device: Device,
    command: Command,
    matter: Matter,
    acknowledged: boolean,
  ): Promise<Result | undefined> {
    const shown = device.shown(this.states.of(device.id), this.options.clock.now());
    const { currentStatusReport: report, isArmed, currentArmLevel } = shown;
    if (command.action !== 'arm' || entriesOf(report).length === 0) return undefined;
    const { armLevel = currentArmLevel } = command.params;
    const level = (value: typeof armLevel): States => (value === undefined ? {} : { currentArmLevel: value });
    switch (device.settings.onOpenSensors) {
      case 'refuse':
        return {
          status: 'EXCEPTIONS',
          states: {
            ...shown,
            // As the guide has it: not armed, at the level that was asked for.
            ...level(isArmed === true ? currentArmLevel : armLevel),
            currentStatusReport: withBlocking(report, true),
          },
        };
      case 'ask':
        if (acknowledged) return undefined;
        await this.challenges.remember(matter);
        return {
          ...challenged('ackNeeded'),
          states: { online: true, isArmed: true, ...level(armLevel), currentStatusReport: withBlocking(report, false) },
        };
      case 'flow':
      case 'allow':
        return undefined;
    }
  }

  private dispatch(
    run: Run,
    identity: Identity,
    { device, outlet }: Registered,
    command: Command,
    matter: Matter,
    acknowledged: boolean,
  ): Promise<Result> {
    if (this.closed) return Promise.resolve(failed('deviceNotReady'));
    return new Promise((done) => {
      run.begin();
      const cancel = this.options.clock.after(device.settings.replyTimeoutMs, () => done({ status: 'PENDING' }));
      const resolve = (result: Result): void => {
        cancel();
        done(result);
      };
      const google = this.pending.add({ run, identity, device, deviceId: device.id, command, matter, resolve });
      outlet.deliver({
        payload: {
          command: command.name,
          // A copy of its own: flows change what they get, and devices of one request share theirs.
          params: structuredClone(command.params),
          ...(command.action === undefined ? {} : { action: command.action }),
          deviceId: device.id,
          ...(acknowledged ? { acknowledged: true as const } : {}),
        },
        google,
      });
    });
  }

  private async answer(message: Message, handle: string): Promise<Settled> {
    const found = this.pending.take(handle);
    if (found.kind === 'spent') return found;
    const waiting = found.command;
    const { run, command } = waiting;
    try {
      const result = await this.resultOf(waiting, parseAnswer(message, waiting.device, command));
      const { late } = run;
      this.conclude(waiting, result);
      const { errorCode: code } = result;
      return { kind: 'answered', status: result.status, ...(code === undefined ? {} : { code }), late };
    } catch (error) {
      this.conclude(waiting, failed(command.failure));
      throw error;
    }
  }

  private conclude(waiting: Pending, result: Result): void {
    if (waiting.run.late) {
      this.followUp(waiting, result);
      this.registered.get(waiting.deviceId)?.outlet.concluded?.(result);
    }
    waiting.resolve(result);
  }

  private async resultOf(waiting: Pending, saying: Saying): Promise<Result> {
    const { run, device, command, matter } = waiting;
    switch (saying.kind) {
      case 'error':
        return failed(saying.code, saying.debug);
      case 'challenge':
        // Nobody listens any more: the user cannot be asked.
        if (run.late) return failed('timeout');
        await this.challenges.remember(matter);
        if (hasBecomeLate(run)) {
          await this.challenges.forget(matter);
          return failed('timeout');
        }
        return { ...challenged('ackNeeded'), states: saying.shown };
      case 'states': {
        const states = this.keep(device, saying, command);
        if (saying.failed !== undefined) return { ...failed(saying.failed), states };
        const { online } = states;
        if (online === false) return { status: 'OFFLINE', errorCode: 'deviceOffline', states };
        return { status: saying.blocking ? 'EXCEPTIONS' : 'SUCCESS', states };
      }
    }
  }

  /** Keeps what was said, tells Home Graph, and gives the states for the answer. */
  private keep(device: Device, saying: Saying & { kind: 'states' }, command: Command | undefined): States {
    const now = this.options.clock.now();
    const { said, blocking, failed: failure } = saying;
    const before = this.states.of(device.id);
    const next = device.next(before, { said, command, stopped: blocking || failure !== undefined, now });
    this.states.set(device.id, next);
    this.announcer.report(device.id);
    if (command === undefined) return next;
    const states = device.shownFor(next, now, [command], said);
    if (command.action !== 'arm') return states;
    const { armLevel } = command.params;
    const { isArmed } = states;
    // As the guide has it: stopped while arming, not armed, at the level that was asked for.
    if (blocking && isArmed === false && armLevel !== undefined && !('currentArmLevel' in said)) {
      return { ...states, currentArmLevel: armLevel };
    }
    const { currentStatusReport: report } = next;
    // Whoever was asked has heard already what is open; the guide does not tell them again.
    const tellOpen = device.settings.onOpenSensors === 'allow' && !('currentStatusReport' in states);
    return tellOpen && entriesOf(report).length > 0
      ? { ...states, currentStatusReport: withBlocking(report, false) }
      : states;
  }

  private followUp({ identity, device, command }: Pending, result: Result): void {
    const { followUpToken } = command.params;
    const trait = command.followUpTrait;
    if (trait === undefined || typeof followUpToken !== 'string' || followUpToken === '') return;
    const told = Object.fromEntries(
      Object.entries(result.states ?? {}).filter(([word]) => FOLLOW_UP_WORDS[trait]?.includes(word)),
    );
    const failure = (errorCode: string): FollowUpResponse => ({ status: 'FAILURE', errorCode, followUpToken });
    const response: FollowUpResponse =
      result.status !== 'SUCCESS'
        ? failure(result.errorCode ?? command.failure)
        : trait === 'LockUnlock' && !('isLocked' in told)
          ? failure('unknownError')
          : { status: 'SUCCESS', ...told, followUpToken };
    this.announcer.followUp(identity.agentUserId, device.id, trait, response);
  }

  private tellState(message: Message, deviceId: string): Settled {
    if (deviceId === '') {
      throw invalidInput(
        'the message answers no command, and no device is chosen',
        'Keep msg.google of the command that is answered, or choose the device whose state this is.',
      );
    }
    const device = this.registered.get(deviceId)?.device;
    if (device === undefined) {
      throw invalidInput(
        `this account has no device ${deviceId}`,
        'Choose a device that a google-smarthome-in node has.',
      );
    }
    // What failed was nobody's command; what the device is did not change by it.
    if (isObject(message.error)) return { kind: 'ignored' };
    const saying = parseAnswer(message, device, undefined);
    if (saying.kind === 'error') return { kind: 'ignored' };
    if (saying.kind === 'challenge') throw invalidInput('challenge answers a command: msg.google is missing');
    this.keep(device, saying, undefined);
    return { kind: 'reported' };
  }
}

function queryAnswer(states: Readonly<States>): JsonObject {
  const { online } = states;
  return {
    ...states,
    ...(online === false ? { status: 'OFFLINE', errorCode: 'deviceOffline' } : { status: 'SUCCESS' }),
  };
}

/** Asked anew after something took time. */
function hasBecomeLate(run: Run): boolean {
  return run.late;
}

function pinNeeded({ pinFor }: DeviceSettings, command: Command): boolean {
  return pinFor === 'always' || (pinFor === 'release' && command.releases);
}

/** What the user is asked about; and after it, what else an answer to this command may have been asked about. */
type Matters = [Matter, ...Matter[]];

/**
 * What an answer of the user counts for. With a PIN, for the very command that the PIN was given for. Without one, for the
 * direction and the level: where none was named with the question, Google may add one to the answer, as it does in the
 * guide's PIN sample.
 */
function mattersOf(
  identity: Identity,
  device: Device,
  { name, action, params }: Command,
  needsPin: boolean,
  asSent: unknown,
): Matters {
  const matter = (detail: Matter['detail']): Matter => ({
    agentUserId: identity.agentUserId,
    deviceId: device.id,
    command: name,
    detail,
  });
  if (needsPin || action === undefined) {
    return [matter(Object.fromEntries(Object.entries(params).filter(([word]) => word !== 'followUpToken')))];
  }
  const { armLevel = null } = params;
  const [named, unnamed] = [matter([action, armLevel]), matter([action, null])];
  return isObject(asSent) && 'armLevel' in asSent ? [named, unnamed] : [unnamed, named];
}

function failed(errorCode: GoogleCode, debugString?: string): Result {
  return { status: 'ERROR', errorCode, ...(debugString === undefined ? {} : { debugString }) };
}

function challenged(type: NonNullable<Result['challengeNeeded']>['type']): Result {
  return { status: 'ERROR', errorCode: 'challengeNeeded', challengeNeeded: { type } };
}
