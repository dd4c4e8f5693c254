/**
 * One lock of a bridge, on our side: what homes are shown of it follows from what was read and from nothing else, and a
 * command runs only with the right PIN and while its home still waits.
 */
import { abortable, lifetime } from '../common/abort';
import type { Clock } from '../common/clock';
import { CodedError, systemCode, textOf } from '../common/errors';
import { foreignText } from '../common/foreign';
import type { Log } from '../common/log';
import { sameSecret } from '../common/secrets';
import type { PinAttempts, PinVerdict } from '../state/pin-attempts';
import type { LockOptions, LockUpdate } from './bridge';
import type { BoltAction, FromWorker, LockDescription, LockEvent, Refusal, ShownLock, ToWorker } from './port';

/**
 * Milliseconds after which a home has given a command up, whatever it was answered: their engines wait 11 s. After that
 * it must not be sent.
 */
const SEND_WITHIN_MS = 10_000;
/** For so long a bolt that is read as asked for is taken as the work of the last command. */
const OPERATION_MS = 60_000;

export type CommandMessage = Extract<FromWorker, { type: 'command' }>;

export interface BridgedLockOptions {
  lock: LockOptions;
  clock: Clock;
  log: Log;
  pins: PinAttempts;
  /** The system's uptime in milliseconds, which all threads share. */
  uptime: () => number;
  /** What the home is called whose command it is. */
  homeOf: (fabric: number) => string;
  post: (message: Extract<ToWorker, { type: 'shown' | 'event' }>) => void;
}

/** A command that was accepted, until the bolt is read as it asked. */
interface Expected {
  command: CommandMessage;
  at: number;
  isDone: boolean;
}

/** What is known of a lock, as far as it was read. */
type Reading = Required<LockUpdate>;

const NEVER_READ: Reading = {
  state: null,
  jammed: false,
  reachable: true,
  batteryPercent: null,
  door: null,
  firmware: '',
};

const BUSY: ReadonlySet<string> = new Set(['GATEWAY_BUSY', 'QUEUE_FULL']);
const BOLT = { open: 'unlocked', close: 'locked' } as const;

export class LockOnBridge {
  private reading = NEVER_READ;
  /** Where the bolt stood when it was last read, before an outage or a jam too. */
  private lastBolt: 'locked' | 'unlocked' | null = null;
  private wasJammed = false;
  private expected: Expected | undefined;
  private readonly closing = new AbortController();

  constructor(private readonly options: BridgedLockOptions) {}

  get description(): LockDescription {
    const { id, name, serial, battery, door, pinFor, appCodes, replyTimeoutMs } = this.options.lock;
    const needsPin = pinFor !== 'none';
    return { id, name, serial, battery, door, needsPin, appCodes, replyTimeoutMs, shown: this.shown };
  }

  /** Goes on for one of the same lock that a deploy replaces: what was read is not forgotten. */
  inherit({ reading, lastBolt, wasJammed }: LockOnBridge): void {
    this.reading = reading;
    this.lastBolt = lastBolt;
    this.wasJammed = wasJammed;
  }

  update(update: LockUpdate): void {
    const before = this.shown;
    const { state } = update;
    const isRead = state !== undefined && state !== null;
    // The same state may be that of before the jam, said again.
    const jammed = this.reading.jammed && (!isRead || state === this.reading.state);
    this.reading = { ...this.reading, ...(isRead ? { reachable: true } : {}), jammed, ...update };
    // What was read before an outage says nothing any more.
    if (!this.reading.reachable) this.reading = { ...this.reading, state: null, jammed: false };
    const { shown } = this;
    if (JSON.stringify(shown) !== JSON.stringify(before))
      this.options.post({ type: 'shown', id: this.options.lock.id, shown });
    if (shown.bolt !== null) this.reportBolt(shown.bolt);
  }

  /** Resolves when the home can be answered, with what is refused or undefined. Never rejects. */
  async command(command: CommandMessage): Promise<Refusal | undefined> {
    const { clock, uptime, lock } = this.options;
    const came = clock.elapsed() - Math.max(0, uptime() - command.at);
    const late = (): Error => new Error('late');
    const reply = lifetime({ clock, deadline: came + lock.replyTimeoutMs, late });
    try {
      // A thread that stood still finds the commands of before: their homes have been answered.
      if (clock.elapsed() - came > lock.replyTimeoutMs) return this.refuse(command, 'late');
      const wrong = await abortable(this.pinRefusal(command), reply.signal);
      if (wrong !== undefined) {
        this.options.log.info(`${this.named(command)}: refused, ${wrong}`);
        lock.onRefused?.(wrong);
        return this.refuse(command, wrong);
      }
      if (this.closing.signal.aborted) return this.refuse(command, 'failed');
      // Once it began only its own end or the time answers it.
      const run = this.run(command, came + SEND_WITHIN_MS);
      return await abortable(run, reply.signal).catch(() => undefined);
    } catch (error) {
      this.options.log.warn(`${this.named(command)}: the PIN could not be checked: ${textOf(error)}`);
      return this.refuse(command, 'failed');
    } finally {
      reply.end();
    }
  }

  close(): void {
    this.closing.abort(
      new CodedError('EXPIRED', 'the Matter lock was closed', { retriable: true, hint: 'Try again.' }),
    );
  }

  private get shown(): ShownLock {
    const { state, jammed, reachable, batteryPercent, door, firmware } = this.reading;
    const read = state === 'open' ? BOLT.open : state === 'closed' ? BOLT.close : null;
    const bolt = !reachable ? null : jammed ? 'jammed' : read;
    return { bolt, reachable: bolt !== null, batteryPercent, door, firmware };
  }

  /** The home learns of it when it is over, if it was answered before. */
  private async run(command: CommandMessage, deadline: number): Promise<Refusal | undefined> {
    const { clock, lock, log, homeOf } = this.options;
    const { action, origin } = command;
    const expected: Expected = { command, at: clock.elapsed(), isDone: false };
    this.expected = expected;
    const controller = { index: origin.fabric, label: homeOf(origin.fabric) };
    try {
      const deadlineMs = deadline - clock.elapsed();
      await lock.onCommand({ action, controller, deadlineMs, signal: this.closing.signal });
    } catch (error) {
      if (this.expected === expected) this.expected = undefined;
      log.debug(`${this.named(command)}: ${foreignText(textOf(error))}`);
      return this.refuse(command, refusalOf(error));
    }
    expected.isDone = true;
    this.update({ jammed: false });
    log.debug(`${this.named(command)}: done`);
    const { bolt } = this.shown;
    if (bolt !== null) this.reportBolt(bolt);
    return undefined;
  }

  private refuse(command: CommandMessage, refusal: Refusal): Refusal {
    const { action, origin } = command;
    this.report({ type: 'operationError', action, origin, refusal });
    return refusal;
  }

  /** What was read, as an event: a movement, or a bolt that stands as a command asked. */
  private reportBolt(bolt: NonNullable<ShownLock['bolt']>): void {
    if (bolt === 'jammed') {
      if (!this.wasJammed) this.report({ type: 'alarm', alarm: 'jammed' });
      this.wasJammed = true;
      return;
    }
    const before = this.lastBolt;
    this.lastBolt = bolt;
    this.wasJammed = false;
    const action: BoltAction = bolt === BOLT.open ? 'open' : 'close';
    const { expected } = this;
    const isRecent = expected !== undefined && this.options.clock.elapsed() - expected.at < OPERATION_MS;
    const isOfHome = isRecent && expected.command.action === action;
    const hasMoved = before !== null && before !== bolt;
    if (!hasMoved && !(isOfHome && expected.isDone)) return;
    this.expected = undefined;
    const origin = isOfHome ? expected.command.origin : null;
    this.report({ type: 'operation', action, origin });
  }

  private async pinRefusal({ action, pin, origin }: CommandMessage): Promise<Refusal | undefined> {
    const { lock, pins } = this.options;
    if (lock.pinFor === 'none' || (lock.pinFor === 'release' && action === 'close')) return undefined;
    if (pin === '') return (await pins.isLockedOut(lock.id)) ? 'locked out' : 'wrong PIN';
    const isOwn = sameSecret(pin, lock.pin) && lock.pin !== '';
    const verdict: PinVerdict = await pins.check(lock.id, isOwn || origin.user !== null);
    if (verdict === 'right') return undefined;
    if (verdict === 'locked out') return 'locked out';
    if (await pins.isLockedOut(lock.id)) this.report({ type: 'alarm', alarm: 'wrong codes' });
    return 'wrong PIN';
  }

  private report(event: LockEvent): void {
    this.options.post({ type: 'event', id: this.options.lock.id, event });
  }

  private named({ action, origin }: CommandMessage): string {
    const { lock, homeOf } = this.options;
    return `Matter: ${action} ${foreignText(lock.name)} for ${foreignText(homeOf(origin.fabric))}`;
  }
}

function refusalOf(error: unknown): Refusal {
  const code = systemCode(error) ?? '';
  if (BUSY.has(code)) return 'busy';
  return code === 'EXPIRED' ? 'late' : 'failed';
}
