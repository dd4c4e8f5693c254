/**
 * One account's home: its devices, the commands that Google sends to them, and the answers that flows give. A command is
 * one story, `run`: is it permitted (`permission.ts`), what does the flow answer, what goes to Google.
 */
import { invalidInput, textOf } from '../common/errors';
import { foreignText } from '../common/foreign';
import type { Accounts } from './accounts';
import type { DeviceSettings } from './device-settings';
import { DeviceStates } from './device-states';
import { Device } from './devices/device';
import type { Command } from './devices/trait';
import { isOutOfReach } from './error-codes';
import {
  commandMessage,
  parseFlowMessage,
  type CommandMessage,
  type FlowAnswer,
  type FlowMessage,
} from './flow-messages';
import type { HomeGraph } from './home-graph';
import { PendingCommands, ReplyTimeouts, Session } from './pending';
import { LONGEST_ON_THE_WAY_MS, Permission, type CommandRequest } from './permission';
import { Reports } from './reports';
import { challenged, failed, followUpOf, resultOf, type Result } from './results';
import type { AccountContext, Caller, Execution, Identity, JsonObject, States } from './types';

export interface HomeOptions extends AccountContext {
  accounts: Accounts;
  graph: HomeGraph;
}

/** A device's node. */
export interface DeviceHandler {
  /** Sends a command into the flow. */
  onCommand: (message: CommandMessage) => void;
  /**
   * Called with the answer to each request of Google for the device; for a pending one again when the flow has answered.
   * `command` is the one that it is about: the last that the flow got, undefined where it got none.
   */
  onResult?: (result: Result, command: Command | undefined) => void;
}

/** What came of a flow's message: for the badge of the node that sent it. */
export type Received =
  | { kind: 'answered'; status: Result['status']; code?: string; late: boolean }
  /** `offline`: an error says that the device is out of reach; `ignored`: another one, and it says nothing of the device. */
  | { kind: 'reported' | 'offline' | 'notified' | 'ignored' }
  /** The handle was used before, or its time is over; `warned` when that was said already. */
  | { kind: 'spent'; warned: boolean };

interface Registered {
  device: Device;
  handler: DeviceHandler;
  /** The answer to the last query, and the states it was made of. */
  answered?: { states: Readonly<States>; answer: JsonObject };
}

export class SmartHome {
  private readonly registered = new Map<string, Registered>();
  private readonly permission: Permission;
  private readonly states: DeviceStates;
  private readonly pending: PendingCommands;
  private readonly timeouts: ReplyTimeouts;
  private readonly reports: Reports;
  private closed = false;

  constructor(private readonly options: HomeOptions) {
    this.permission = new Permission(options);
    this.states = new DeviceStates(options);
    this.pending = new PendingCommands(options.clock);
    this.timeouts = new ReplyTimeouts(options.clock, (session) => {
      session.late = true;
      this.answer(session, { status: 'PENDING' });
    });
    this.reports = new Reports({
      ...options,
      statesOf: (id) => {
        const device = this.registered.get(id)?.device;
        return device && this.shownOf(device);
      },
      devices: () => this.devices(),
    });
  }

  /** Resolves when the states of the last run are known. */
  get ready(): Promise<unknown> {
    return this.states.ready;
  }

  /**
   * Adds a device. The returned function removes it again.
   * @throws CodedError `INVALID_INPUT` where another device has this id
   */
  register(settings: DeviceSettings, handler: DeviceHandler): () => void {
    if (this.registered.has(settings.id)) {
      throw invalidInput(`two devices have the id ${settings.id}`, 'Give each device of an account its own device id.');
    }
    const entry: Registered = { device: new Device(settings), handler };
    this.registered.set(settings.id, entry);
    this.reports.devicesChanged();
    void this.ready.then(() => this.resume(entry));
    return () => {
      if (this.registered.get(settings.id) !== entry) return;
      this.registered.delete(settings.id);
      this.reports.devicesChanged();
    };
  }

  devices(): JsonObject[] {
    return [...this.registered]
      .sort(([left], [right]) => (left < right ? -1 : 1))
      .map(([, { device }]) => device.describe(this.options.graph.enabled));
  }

  /** Reports what all devices are now, whatever Google knows already. Those of which nothing is known are left out. */
  reportAll(): number {
    const known = [...this.registered.keys()].filter((id) => Object.keys(this.states.of(id)).length > 0);
    this.reports.repeat(known);
    return known.length;
  }

  /** The answer to QUERY for one device. */
  query(deviceId: string): JsonObject {
    const entry = this.registered.get(deviceId);
    if (entry === undefined) return { status: 'ERROR', online: false, errorCode: 'deviceNotFound' };
    const kept = this.states.of(deviceId);
    const states = this.shownOf(entry.device);
    // Google asks far more often than anything changes.
    if (entry.answered?.states !== states) {
      entry.answered = { states, answer: queryAnswer({ ...states, ...entry.device.exception(kept) }) };
      if (Object.keys(kept).length > 0) this.reports.answered(deviceId, states);
    }
    return entry.answered.answer;
  }

  async disconnect({ agentUserId, link }: Identity): Promise<void> {
    await this.options.accounts.disconnect(agentUserId, link);
    await this.reports.forgetUnlinked(agentUserId);
  }

  /** What Google is answered. A flow that takes too long goes on all the same. Call it when the home is `ready`. */
  execute(
    identity: Identity,
    deviceId: string,
    executions: readonly Execution[],
    caller: Caller = { since: this.options.clock.elapsed(), gone: false },
  ): Promise<Result> {
    const device = this.registered.get(deviceId)?.device;
    if (device === undefined) return Promise.resolve(failed('deviceNotFound'));
    if (executions.length === 0) return Promise.resolve(failed('functionNotSupported', 'nothing to execute'));
    const session = new Session(identity, device, caller);
    void this.run(session, executions);
    return session.answer;
  }

  /**
   * Receives a message of a flow: the answer to the command of its handle, or else a state of `deviceId`.
   * @throws CodedError `INVALID_INPUT` where it is neither; a command answered so is answered with an error
   */
  receive(message: FlowMessage & { google?: unknown }, deviceId: string): Promise<Received> {
    const handle = message.google;
    if (typeof handle === 'string' && handle !== '') {
      // A message may have come a long way from the command of one device, and be about another by now.
      const isElsewhere = deviceId !== '' && deviceId !== (this.pending.deviceOf(handle) ?? deviceId);
      if (!isElsewhere) return this.receiveAnswer(message, handle);
    }
    return this.receiveState(message, deviceId);
  }

  /** Commands that wait are answered with an error. States are written before it resolves. */
  async close(): Promise<void> {
    this.closed = true;
    this.reports.close();
    this.timeouts.close();
    for (const { conclude } of this.pending.close()) conclude(failed('deviceNotReady'));
    await this.states.close();
  }

  /** The executions of one request, one after the other, up to the first that fails. Google may be answered PENDING before. */
  private async run(session: Session, executions: readonly Execution[]): Promise<void> {
    const { clock, log } = this.options;
    const { identity, device } = session;
    const states: States = {};
    let result: Result = { status: 'SUCCESS' };
    try {
      for (const execution of executions) {
        // The first came with the request; the turn of each other one comes when those before it have ended.
        const since = execution === executions[0] ? session.caller.since : clock.elapsed();
        const command = device.understand(execution.command, execution.params);
        if ('why' in command) {
          result = failed('functionNotSupported', command.why);
          break;
        }
        const request = { identity, device, command, execution, shown: this.shownOf(device), since };
        const verdict = await this.permission.check(request);
        result = 'refused' in verdict ? verdict.refused : await this.askFlow(session, request, verdict.acknowledged);
        log.debug(endLine(session, command, result));
        if (session.late) this.followUp(session, command, result);
        if (result.status !== 'SUCCESS') break;
        Object.assign(states, result.states);
      }
    } catch (error) {
      log.warn(`a command of Google could not be carried out: ${foreignText(textOf(error))}`);
      result = failed('transientError');
    }
    this.timeouts.end(session);
    // Where that was too late Google has been answered.
    if (!session.late) this.answer(session, result.status === 'SUCCESS' ? { status: 'SUCCESS', states } : result);
  }

  private answer(session: Session, result: Result): void {
    this.showResult(session.device.id, result, session.latest);
    session.resolve(result);
  }

  /** The flow's answer to a permitted command, however late. */
  private askFlow(session: Session, request: CommandRequest, acknowledged: boolean): Promise<Result> {
    const { clock, log } = this.options;
    const { device, command, since } = request;
    const entry = this.registered.get(device.id);
    // A deploy may have come while the user was asked: the device with this id now may want another PIN.
    if (this.closed || entry?.device !== device) return Promise.resolve(failed('deviceNotReady'));
    // The user has been answered that it did not work, or has gone: no door opens now.
    const now = clock.elapsed();
    const tooLate = now - since > LONGEST_ON_THE_WAY_MS || session.caller.gone || session.isOver(now);
    if (tooLate) return Promise.resolve(failed('transientError'));
    return new Promise((conclude) => {
      session.latest = command;
      if (session.due === undefined) this.timeouts.begin(session, now);
      const handle = this.pending.add({ session, request, conclude }, now);
      log.trace(`Google: ${foreignText(command.name)} of "${foreignText(device.id)}" goes to the flow`);
      entry.handler.onCommand(commandMessage(request, acknowledged, handle));
    });
  }

  /** A command ended after Google was answered PENDING. */
  private followUp({ identity, device }: Session, command: Command, result: Result): void {
    const followUp = followUpOf(command, result);
    if (followUp !== undefined) void this.reports.followUp(identity.agentUserId, device.id, followUp);
    this.showResult(device.id, result, command);
  }

  /** What a listener throws must not get further. */
  private showResult(deviceId: string, result: Result, command: Command | undefined): void {
    try {
      this.registered.get(deviceId)?.handler.onResult?.(result, command);
    } catch (error) {
      this.options.log.warn(`how a command ended could not be shown: ${foreignText(textOf(error))}`);
    }
  }

  private async receiveAnswer(message: FlowMessage, handle: string): Promise<Received> {
    const found = this.pending.redeem(handle);
    if (found.kind === 'spent') return found;
    const { session, request, conclude } = found.command;
    try {
      const answer = parseFlowMessage(message, request.device, request.command);
      void this.reports.notify(request.device.id, answer.notifications);
      const result =
        answer.kind === 'question' ? await this.ask(session, request, answer.said) : this.apply(request, answer);
      conclude(result);
      const { status, errorCode: code } = result;
      return { kind: 'answered', status, ...(code === undefined ? {} : { code }), late: session.late };
    } catch (error) {
      conclude(failed(request.command.failure));
      throw error;
    }
  }

  /** What a flow's answer makes of the device, and of the command. */
  private apply({ device, command }: CommandRequest, answer: Exclude<FlowAnswer, { kind: 'question' }>): Result {
    if (answer.kind === 'error') {
      if (isOutOfReach(answer.code)) this.change(device, { online: false });
      return failed(answer.code, answer.debug);
    }
    const { kept, result } = resultOf(device, command, answer, this.states.of(device.id), this.options.clock.now());
    this.keep(device, kept);
    return result;
  }

  /** The flow wants the user to be asked first. Once Google has been answered they cannot be asked any more. */
  private async ask(session: Session, request: CommandRequest, said: States): Promise<Result> {
    const { clock } = this.options;
    const { late } = session;
    const states = request.device.preview(said, request.command, clock.now());
    if (late) return failed('transientError');
    await this.permission.remember({ ...request, since: clock.elapsed() });
    // Asked anew, for that took time.
    if (!session.late) return { ...challenged('ackNeeded'), states };
    await this.permission.forget({ ...request, since: clock.elapsed() });
    return failed('transientError');
  }

  private async receiveState(message: FlowMessage, deviceId: string): Promise<Received> {
    await this.ready;
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
    const answer = parseFlowMessage(message, device, undefined);
    if (answer.kind === 'question') throw invalidInput('challenge answers a command: msg.google is missing');
    void this.reports.notify(deviceId, answer.notifications);
    if (answer.kind === 'error') {
      if (!isOutOfReach(answer.code)) return { kind: 'ignored' };
      this.change(device, { online: false });
      return { kind: 'offline' };
    }
    if (answer.notifications.length > 0 && Object.keys(answer.said).length === 0) return { kind: 'notified' };
    this.change(device, answer.said);
    return { kind: 'reported' };
  }

  /** What a flow says of a device without having been asked. */
  private change(device: Device, said: States): void {
    const change = { said, command: undefined, stopped: false, now: this.options.clock.now() };
    this.keep(device, device.next(this.states.of(device.id), change));
  }

  private keep({ id }: Device, states: States): void {
    this.states.set(id, states);
    this.reports.report(id);
  }

  private shownOf(device: Device): Readonly<States> {
    return device.shown(this.states.of(device.id), this.options.clock.now());
  }

  /**
   * What was to be reported of the device may have been lost with the last run, or with the deploy that brought it. Of one
   * that no flow has reported there is nothing to say.
   */
  private resume(entry: Registered): void {
    const { device } = entry;
    const kept = this.states.of(device.id);
    if (this.closed || this.registered.get(device.id) !== entry || Object.keys(kept).length === 0) return;
    // The states of a trait that was removed since go with it.
    const clean = device.clean(kept);
    if (clean !== kept) this.states.set(device.id, clean);
    this.reports.report(device.id);
  }
}

/** How a command ended, for the log. */
function endLine({ device, identity, late }: Session, { name }: Command, result: Result): string {
  const end = result.challengeNeeded?.type ?? result.errorCode ?? result.status;
  const what = `${foreignText(name)} of "${foreignText(device.id)}" by ${foreignText(identity.user)}`;
  return `Google: ${what}: ${end}${late ? ', late' : ''}`;
}

function queryAnswer(states: Readonly<States>): JsonObject {
  return states.online === false
    ? { ...states, status: 'OFFLINE', errorCode: 'deviceOffline' }
    : { ...states, status: 'SUCCESS' };
}
