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
import { Deadlines } from './deadlines';
import { Device } from './devices/device';
import { entriesOf, withBlocking } from './devices/status-report';
import type { Action, Command } from './devices/trait';
import type { GoogleCode } from './error-codes';
import type { Execution, House, Result } from './fulfillment';
import { isObject, type JsonObject } from './json';
import { PendingCommands } from './pending';
import { Asked, Run, type Outcome, type RunOptions } from './run';
import type { DeviceSettings } from './settings';
import { DeviceStates } from './states';
import type { Accounts, Caller, FollowUpResponse, HomeGraph, Identity, States } from './types';

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
  /**
   * Hears how a request ended that Google sent for the device; of a pending one, again when its answer came. `command` is
   * the one that it speaks of: the last that the flow was told of, undefined where it was told of none.
   */
  concluded?: (result: Result, command: Command | undefined) => void;
}

interface Registered {
  device: Device;
  outlet: Outlet;
  /** The answer to the last query, and the states it was made of. */
  answered?: { states: Readonly<States>; answer: JsonObject };
}

/** Nobody takes longer to leave; timers of the system take no more than some weeks. */
const LONGEST_EXIT_MS = 24 * 60 * 60_000;

/**
 * How long a command may take on its way to the flow: reading what is kept, checking a PIN. It takes longer where Redis or a
 * disk hangs, or the process stood still; by then Google has told the user that it did not work, and nobody expects the
 * door to open.
 */
const MOST_ON_THE_WAY_MS = 5000;

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
  private readonly pending: PendingCommands<Asked>;
  private readonly announcer: Announcer;
  private readonly deadlines: Deadlines;
  private readonly runs: RunOptions;
  /** Stops the timers of exit delays. */
  private readonly leaving = new Map<string, () => void>();
  private readonly hearNoLinks: () => void;
  private closed = false;

  constructor(private readonly options: HomeOptions) {
    this.challenges = new Challenges(options);
    this.states = new DeviceStates(options);
    this.pending = new PendingCommands(options.clock, options.newHandle);
    this.deadlines = new Deadlines(options.clock);
    this.runs = {
      deadlines: this.deadlines,
      carryOut: (run, execution) => this.carryOut(run, execution),
      failure: (error) => {
        options.warn(`a command of Google could not be carried out: ${textOf(error)}`);
        return failed('transientError');
      },
      answered: (run, result) => this.tellOutlet(run.device.id, result, run.latest?.command),
    };
    this.announcer = new Announcer({
      ...options,
      statesOf: (id) => this.registered.get(id)?.device.shown(this.states.of(id), options.clock.now()),
      devices: () => this.devices(),
    });
    // A link may end elsewhere: at another process, or because somebody redeemed its code a second time.
    this.hearNoLinks = options.accounts.onLinksChanged((agentUserId) => {
      this.forgetUnlinked(agentUserId).catch((error: unknown) => {
        options.warn(`the linked users could not be read: ${textOf(error)}`);
      });
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
    if (this.states.isReady) this.resume(entry);
    else void this.ready.then(() => this.resume(entry));
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
    await this.options.accounts.disconnect(agentUserId, link);
    await this.forgetUnlinked(agentUserId);
  }

  execute(
    identity: Identity,
    deviceId: string,
    executions: readonly Execution[],
    caller: Caller = { since: this.options.clock.elapsed(), gone: false },
  ): Promise<Result> {
    const entry = this.registered.get(deviceId);
    if (entry === undefined) return Promise.resolve(failed('deviceNotFound'));
    if (executions.length === 0) return Promise.resolve(failed('protocolError', 'nothing to execute'));
    return new Promise((resolve) => {
      const run = new Run(this.runs, identity, entry.device, executions, resolve, caller);
      if (this.states.isReady) run.go();
      else void this.ready.then(() => run.go());
    });
  }

  /**
   * Takes a message of a flow: the answer to the command of its handle, or else a state of `deviceId`. Done at once where
   * nothing has to be read or kept before: a hundred answers may come in one moment.
   * @throws CodedError `INVALID_INPUT` where it is neither; a command answered so is answered with an error
   */
  take(message: Message & { google?: unknown }, deviceId: string): Settled | Promise<Settled> {
    if (!this.states.isReady) return this.ready.then(() => this.take(message, deviceId));
    const handle = typeof message.google === 'string' && message.google !== '' ? message.google : undefined;
    const commanded = handle === undefined || deviceId === '' ? undefined : this.pending.deviceOf(handle);
    // A message may have come a long way from the command of one device, and speak of another by now.
    const elsewhere = commanded !== undefined && deviceId !== commanded;
    return handle === undefined || elsewhere ? this.tellState(message, deviceId) : this.answer(message, handle);
  }

  /** Commands that wait are answered with an error. States are written before it resolves. */
  async close(): Promise<void> {
    this.closed = true;
    this.hearNoLinks();
    this.announcer.close();
    for (const asked of this.pending.close()) asked.tell(failed('deviceNotReady'));
    this.deadlines.close();
    for (const stop of this.leaving.values()) stop();
    await this.states.close();
  }

  /**
   * What Google was to hear of the device may have been lost with the last run, or with the deploy that brought it: a
   * report that had not got through, the end of the time to leave. Of one that nobody has spoken of there is nothing to say.
   */
  private resume(entry: Registered): void {
    const { id } = entry.device;
    const states = this.states.of(id);
    if (this.closed || this.registered.get(id) !== entry || Object.keys(states).length === 0) return;
    this.announcer.report(id);
    this.tellWhenOver(id, states, this.options.clock.now());
  }

  /** Whoever has no link any more is told nothing that still waits for them. */
  private async forgetUnlinked(agentUserId: string): Promise<void> {
    const { accounts, graph } = this.options;
    if (!(await accounts.linkedUsers()).includes(agentUserId)) graph.forget(agentUserId);
  }

  private carryOut(run: Run, execution: Execution): Outcome | Promise<Outcome> {
    const { device } = run;
    if (typeof execution.command !== 'string') return failed('protocolError', 'an execution has no command');
    const command = device.understand(execution.command, execution.params);
    if ('refusal' in command) return failed(command.refusal, command.why);
    // The first came with the request; the others have their turn when those before them are done.
    const since = run.latest === undefined ? run.caller.since : this.options.clock.elapsed();
    const asked = new Asked(run, command, execution, pinNeeded(device.settings, command), since);
    // Most commands need no PIN and answer no question.
    if (!asked.needsPin && !isObject(execution.challenge)) return this.permitted(asked, false);
    return this.permit(asked).then((permission) =>
      'refused' in permission ? permission.refused : this.permitted(asked, permission.acknowledged),
    );
  }

  private permitted(asked: Asked, acknowledged: boolean): Outcome | Promise<Outcome> {
    if (asked.command.refused !== undefined) return failed(asked.command.refused);
    return this.openSensors(asked, acknowledged) ?? this.dispatch(asked, acknowledged);
  }

  /** Whether the user may, and whether they have agreed to what they were asked. */
  private async permit(asked: Asked): Promise<{ acknowledged: boolean } | { refused: Result }> {
    const { needsPin, execution } = asked;
    const { identity, device } = asked.run;
    const { agentUserId } = identity;
    const { challenge } = execution;
    const matters = mattersOf(asked);
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
  private openSensors(asked: Asked, acknowledged: boolean): Result | Promise<Result> | undefined {
    const { command, run } = asked;
    const { device } = run;
    if (command.action !== 'arm') return undefined;
    const shown = device.shown(this.states.of(device.id), this.options.clock.now());
    const { currentStatusReport: report, isArmed, currentArmLevel } = shown;
    if (entriesOf(report).length === 0) return undefined;
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
        return this.challenges.remember(mattersOf(asked)[0]).then(() => ({
          ...challenged('ackNeeded'),
          states: { online: true, isArmed: true, ...level(armLevel), currentStatusReport: withBlocking(report, false) },
        }));
      case 'flow':
      case 'allow':
        return undefined;
    }
  }

  private dispatch(asked: Asked, acknowledged: boolean): Outcome {
    const { run, command, deviceId } = asked;
    const entry = this.registered.get(deviceId);
    // A deploy may have come while the user was asked: whoever has the id now may ask for another PIN.
    if (this.closed || entry?.device !== run.device) return failed('deviceNotReady');
    const now = this.options.clock.elapsed();
    if (run.isOver(now)) {
      this.conclude(asked, failed('timeout'));
      return asked;
    }
    if (run.caller.gone || now - asked.since > MOST_ON_THE_WAY_MS) return failed('timeout');
    run.begin(asked, now);
    const google = this.pending.add(asked, now);
    // A copy of its own: flows change what they get, and devices of one request share theirs.
    const payload: CommandMessage['payload'] = { command: command.name, params: copyOf(command.params), deviceId };
    if (command.action !== undefined) payload.action = command.action;
    if (acknowledged) payload.acknowledged = true;
    entry.outlet.deliver({ payload, google });
    return asked;
  }

  private answer(message: Message, handle: string): Settled | Promise<Settled> {
    const found = this.pending.take(handle);
    if (found.kind === 'spent') return found;
    const asked = found.command;
    const end = (result: Result): Settled => {
      const { late } = asked.run;
      this.conclude(asked, result);
      const { status, errorCode: code } = result;
      return code === undefined ? { kind: 'answered', status, late } : { kind: 'answered', status, code, late };
    };
    const fail = (error: unknown): never => {
      this.conclude(asked, failed(asked.command.failure));
      throw error;
    };
    let result: Result | Promise<Result>;
    try {
      result = this.resultOf(asked, parseAnswer(message, asked.run.device, asked.command));
    } catch (error) {
      return fail(error);
    }
    return result instanceof Promise ? result.then(end, fail) : end(result);
  }

  private conclude(asked: Asked, result: Result): void {
    if (asked.run.late) {
      this.followUp(asked, result);
      this.tellOutlet(asked.deviceId, result, asked.command);
    }
    asked.tell(result);
  }

  /** Called by timers too: what a listener throws must not get further. */
  private tellOutlet(deviceId: string, result: Result, command: Command | undefined): void {
    try {
      this.registered.get(deviceId)?.outlet.concluded?.(result, command);
    } catch (error) {
      this.options.warn(`how a command ended could not be shown: ${textOf(error)}`);
    }
  }

  private resultOf(asked: Asked, saying: Saying): Result | Promise<Result> {
    const { run, command } = asked;
    const { device } = run;
    switch (saying.kind) {
      case 'error':
        return failed(saying.code, saying.debug);
      case 'challenge':
        // Nobody listens any more: the user cannot be asked.
        return run.late
          ? failed('timeout')
          : this.askFirst(asked, device.preview(saying.said, command, this.options.clock.now()));
      case 'states': {
        const states = this.keep(device, saying, command);
        if (saying.failed !== undefined) return { ...failed(saying.failed), states };
        const { online } = states;
        if (online === false) return { status: 'OFFLINE', errorCode: 'deviceOffline', states };
        return { status: saying.blocking ? 'EXCEPTIONS' : 'SUCCESS', states };
      }
    }
  }

  private async askFirst(asked: Asked, shown: States): Promise<Result> {
    const { run } = asked;
    const [matter] = mattersOf(asked);
    await this.challenges.remember(matter);
    // Asked anew, for that took time.
    if (run.late) {
      await this.challenges.forget(matter);
      return failed('timeout');
    }
    return { ...challenged('ackNeeded'), states: shown };
  }

  /** Keeps what was said, tells Home Graph, and gives the states for the answer. */
  private keep(device: Device, saying: Saying & { kind: 'states' }, command: Command | undefined): States {
    const now = this.options.clock.now();
    const { said, blocking, failed: failure } = saying;
    const before = this.states.of(device.id);
    const next = device.next(before, { said, command, stopped: blocking || failure !== undefined, now });
    this.states.set(device.id, next);
    this.announcer.report(device.id);
    this.tellWhenOver(device.id, next, now);
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

  /** The seconds of an exit delay that Google was told of end by themselves; it hears when they have. */
  private tellWhenOver(deviceId: string, { exitEnds }: States, now: number): void {
    this.leaving.get(deviceId)?.();
    this.leaving.delete(deviceId);
    if (typeof exitEnds !== 'number' || exitEnds <= now || exitEnds > now + LONGEST_EXIT_MS || this.closed) return;
    const stop = this.options.clock.after(exitEnds - now, () => {
      this.leaving.delete(deviceId);
      this.announcer.report(deviceId);
    });
    this.leaving.set(deviceId, stop);
  }

  private followUp({ run, deviceId, command }: Asked, result: Result): void {
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
    this.announcer.followUp(run.identity.agentUserId, deviceId, trait, response);
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

/** A copy to change. Assigning serves for a member called `__proto__` too: the object has it of its own by then. */
function copyOf(object: JsonObject): JsonObject {
  const copy = { ...object };
  for (const name in copy) {
    const value = copy[name];
    if (typeof value === 'object' && value !== null) copy[name] = structuredClone(value);
  }
  return copy;
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
function mattersOf({ run, command, execution, needsPin }: Asked): Matters {
  const { name, action, params } = command;
  const matter = (detail: Matter['detail']): Matter => ({
    agentUserId: run.identity.agentUserId,
    deviceId: run.device.id,
    command: name,
    detail,
  });
  if (needsPin || action === undefined) {
    return [matter(Object.fromEntries(Object.entries(params).filter(([word]) => word !== 'followUpToken')))];
  }
  const { armLevel = null } = params;
  const [named, unnamed] = [matter([action, armLevel]), matter([action, null])];
  return isObject(execution.params) && 'armLevel' in execution.params ? [named, unnamed] : [unnamed, named];
}

function failed(errorCode: GoogleCode, debugString?: string): Result {
  return { status: 'ERROR', errorCode, ...(debugString === undefined ? {} : { debugString }) };
}

function challenged(type: NonNullable<Result['challengeNeeded']>['type']): Result {
  return { status: 'ERROR', errorCode: 'challengeNeeded', challengeNeeded: { type } };
}
