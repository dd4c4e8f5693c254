/** A bridge under a clock of its own, whose worker is a list of messages: what matter.js would get, and what it would say. */
import { mkdtemp, rm, stat } from 'node:fs/promises';
import os from 'node:os';
import path from 'node:path';
import {
  Bridge,
  type BoltCommand,
  type BridgedLock,
  type BridgeOptions,
  type BridgeStatus,
  type LockOptions,
  type ThreadListener,
} from '../../src/matter/bridge';
import type {
  BoltAction,
  FromWorker,
  Home,
  LockEvent,
  Origin,
  Refusal,
  ShownLock,
  ToWorker,
} from '../../src/matter/port';
import { MemoryState } from '../../src/state/local';
import type { State } from '../../src/state/state';
import { HandClock, turn } from './clock';

export const APPLE: Home = { index: 1, label: '', vendor: 'Apple Home' };
export const GOOGLE: Home = { index: 2, label: 'Upstairs', vendor: 'Google Home' };

/** The other thread. */
export class FakeThread {
  readonly posted: ToWorker[] = [];
  isEnded = false;

  constructor(private readonly listener: ThreadListener) {}

  post(message: ToWorker): void {
    this.posted.push(message);
  }

  terminate(): void {
    this.end('terminated');
  }

  say(message: FromWorker): void {
    this.listener.onMessage(message);
  }

  end(reason: string): void {
    if (this.isEnded) return;
    this.isEnded = true;
    this.listener.onEnd(reason);
  }

  of<T extends ToWorker['type']>(type: T): Extract<ToWorker, { type: T }>[] {
    return this.posted.filter((message): message is Extract<ToWorker, { type: T }> => message.type === type);
  }
}

export class MatterHouse {
  readonly clock = new HandClock();
  readonly threads: FakeThread[] = [];
  readonly statuses: BridgeStatus[] = [];
  readonly log: string[] = [];
  readonly commands: (BoltCommand & { done: () => void; fail: (error: Error) => void })[] = [];
  private commandCount = 0;

  private constructor(
    readonly folder: string,
    readonly state: State,
  ) {}

  bridge!: Bridge;

  static async make(change: Partial<BridgeOptions> = {}): Promise<MatterHouse> {
    const folder = await mkdtemp(path.join(os.tmpdir(), 'the-keys-matter-'));
    const house = new MatterHouse(folder, change.state ?? new MemoryState());
    house.bridge = house.newBridge(change);
    return house;
  }

  newBridge(change: Partial<BridgeOptions> = {}): Bridge {
    const keep = (text: string): void => void this.log.push(text);
    const bridge = new Bridge({
      id: 'house',
      folder: path.join(this.folder, 'house'),
      state: this.state,
      name: 'House',
      port: 5540,
      interface: '',
      vendorId: 0xfff1,
      productId: 0x8000,
      version: '1.0.0',
      clock: this.clock,
      log: { warn: keep, info: keep, debug: keep, trace: keep },
      random: () => 0.5,
      uptime: () => this.clock.elapsed(),
      spawn: (listener) => {
        const thread = new FakeThread(listener);
        this.threads.push(thread);
        return thread;
      },
      ...change,
    });
    bridge.follow((status) => void this.statuses.push(status));
    return bridge;
  }

  get thread(): FakeThread {
    return this.threads.at(-1)!;
  }

  /** The worker of now begins, and is online with these homes. */
  async online(homes: Home[] = [APPLE, GOOGLE]): Promise<void> {
    const count = this.threads.filter((thread) => thread.isEnded).length + 1;
    await until(() => this.threads.length >= count);
    this.thread.say({ type: 'loaded' });
    await until(() => this.thread.of('start').length > 0);
    this.thread.say({ type: 'online', homes, pairing: { qrText: 'MT:X', manualCode: '12345678901', openForMs: 0 } });
  }

  addLock(change: Partial<LockOptions> = {}): BridgedLock {
    return this.bridge.addLock({
      id: 'front',
      name: 'Front door',
      serial: '1001',
      battery: true,
      door: false,
      pinFor: 'none',
      pin: '',
      appCodes: false,
      replyTimeoutMs: 2000,
      onCommand: (command) =>
        new Promise((resolve, reject) => this.commands.push({ ...command, done: resolve, fail: reject })),
      ...change,
    });
  }

  /** A home commands. Returns the command's number. */
  command(action: BoltAction, pin = '', { home = APPLE, user = null, ageMs = 0 }: CommandDetail = {}): number {
    const command = (this.commandCount += 1);
    const origin: Origin = { fabric: home.index, controller: '112233', user };
    const at = this.clock.elapsed() - ageMs;
    this.thread.say({ type: 'command', command, id: 'front', action, pin, origin, at });
    return command;
  }

  /** What the home was answered; undefined: nothing yet. */
  answerOf(command: number): Refusal | 'accepted' | undefined {
    const answer = this.thread.of('answer').find((each) => each.command === command);
    return answer === undefined ? undefined : (answer.refusal ?? 'accepted');
  }

  /** Commands, lets everything run that can at once, and returns the answer. */
  async answered(action: BoltAction, pin = '', detail: CommandDetail = {}): Promise<Refusal | 'accepted' | undefined> {
    const command = this.command(action, pin, detail);
    await settled();
    return this.answerOf(command);
  }

  /** The bolt as homes have been shown it, in order. */
  get bolts(): ShownLock['bolt'][] {
    return this.thread.of('shown').map(({ shown }) => shown.bolt);
  }

  get events(): LockEvent[] {
    return this.thread.of('event').map(({ event }) => event);
  }

  /** Lets time pass and the disk keep up with it: the bridge renews its right to the folder. */
  async pass(ms: number): Promise<void> {
    for (let left = ms; left > 0; left -= 2000) {
      await this.clock.advance(Math.min(left, 2000));
      for (let looks = 0; looks < 6; looks += 1) await stat(this.folder);
    }
  }

  async end(): Promise<void> {
    const closing = this.bridge.close();
    await settled();
    this.clock.skip(60_000);
    await closing;
    await rm(this.folder, { recursive: true, force: true });
  }
}

interface CommandDetail {
  home?: Home;
  user?: number | null;
  /** For how long it has been on its way already. */
  ageMs?: number;
}

/** Waits for what depends on files, and so on no clock. */
export async function until(condition: () => boolean): Promise<void> {
  for (let looks = 0; !condition(); looks += 1) {
    if (looks > 20_000) throw new Error(`it never came to pass: ${String(condition)}`);
    await turn();
  }
}

export async function settled(): Promise<void> {
  for (let turns = 0; turns < 5; turns += 1) await turn();
}
