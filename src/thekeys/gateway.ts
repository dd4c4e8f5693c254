/**
 * One physical gateway and what can be asked of it. Each verb ends in a value that was read or confirmed, or in an error
 * of the contract; none ends in a guess. How an action is concluded is in `bolt.ts`, long work in `work.ts`, reading in
 * `reads.ts`, and how any of them is sent in `command.ts`.
 */
import { systemClock, type Clock } from '../common/clock';
import { invalidInput, systemCode } from '../common/errors';
import type { Log } from '../common/log';
import type { State } from '../state/state';
import type { GatewayAddress } from './gateway-address';
import { noLockNamed } from './gateway-errors';
import { plainIdentifier, type GatewayStatus, type ListedLock, type LockReading } from './wire';
import { act, type ActionResult, type BoltsAtRest, type LockAction } from './bolt';
import {
  cleanCode,
  faultOfCode,
  listCall,
  lockStatusCall,
  lockSynchronizeCall,
  lockUpdateCall,
  statusCall,
  synchronizeCall,
  type Call,
  type Share,
} from './calls';
import type { Channel } from './command';
import type { GatewayCommand } from './commands';
import { exchange } from './exchange';
import { TIMING, type ActionOptions, type CommandOptions, type Timing } from './options';
import { Queue } from './queue';
import { Readings } from './readings';
import { Reads } from './reads';
import { Timestamps } from './timestamps';
import { Watcher, type Watch, type WatchListener } from './watcher';
import { update, work } from './work';

export type { ActionResult, BoltsAtRest, LockAction } from './bolt';
export type { ActionOptions, CommandOptions, Progress, Timing } from './options';

export type Work = 'synchronize' | 'update' | 'synchronize-lock' | 'update-lock';

export interface GatewayOptions {
  address: GatewayAddress;
  /** Where the sequence of timestamps is kept, and what processes that share the gateway agree through. */
  state: State;
  log: Log;
  clock?: Clock;
  exchange?: typeof exchange;
  timing?: Partial<Timing>;
  random?: () => number;
  /** Handed in where it must outlive this object: the lock does not know that another one stands for its gateway now. */
  restsAt?: BoltsAtRest;
}

export class Gateway {
  readonly address: GatewayAddress;
  private readonly channel: Channel;
  private readonly reads: Reads;
  /** What is known of its locks, whichever node asked. */
  readonly readings: Readings;
  private readonly watcher: Watcher;

  constructor(options: GatewayOptions) {
    const { address, state, log, clock = systemClock } = options;
    const timing = { ...TIMING, ...options.timing };
    this.address = address;
    const { base, key } = address;
    this.readings = new Readings({ state, key, log });
    this.channel = {
      ...{ key, base, state, clock, log },
      exchange: options.exchange ?? exchange,
      queue: new Queue(clock, timing.breather),
      timestamps: new Timestamps({ state, key: `timestamp/${key}`, clock, log }),
      readings: this.readings,
      restsAt: options.restsAt ?? new Map<string, number>(),
      timing,
      synchronized: { at: -Infinity, helped: false },
    };
    this.reads = new Reads(this.channel);
    this.watcher = new Watcher({
      ...this.channel,
      list: (poll) => this.reads.read('list', listCall, 'poll', poll),
      read: (share, poll) => this.readLock(share, 'poll', poll),
      random: options.random ?? Math.random,
    });
  }

  readonly open = this.verb('open');
  readonly close = this.verb('close');
  /** Opens a closed lock and closes an open one. @throws STATE_UNKNOWN where the lock does not know its state */
  readonly toggle = this.verb('toggle');
  /** Lets the lock learn its end positions: it moves the bolt. Undocumented by the vendor. */
  readonly calibrate = this.verb('calibrate');

  /** Asks the lock itself, over Bluetooth. */
  lockStatus(share: Share, options: CommandOptions): Promise<LockReading> {
    return this.command(`read lock ${share.identifier}`, options, () =>
      this.readLock(checkShare(share), 'read', options),
    );
  }

  /** The locks that the gateway sees, from its own memory. */
  list(options: CommandOptions): Promise<ListedLock[]> {
    return this.command('list', options, () => this.reads.read('list', listCall, 'read', options));
  }

  status(options: CommandOptions): Promise<GatewayStatus> {
    return this.command('status', options, () => this.reads.read('status', statusCall, 'read', options));
  }

  /** Makes the gateway fetch its data from the vendor, and set its clock. Ends when it is done. */
  synchronize(options: CommandOptions): Promise<void> {
    return this.work('synchronize', () => synchronizeCall, options);
  }

  /** Writes the gateway's firmware anew, even if it is current. Ends when the gateway is back. */
  update(options: CommandOptions): Promise<void> {
    return this.command('update', options, () => update(this.channel, options));
  }

  synchronizeLock(identifier: string, options: CommandOptions): Promise<void> {
    return this.work('synchronize-lock', () => lockSynchronizeCall(checkIdentifier(identifier)), options);
  }

  /** Writes the lock's firmware. Ends when the gateway has finished. */
  updateLock(identifier: string, options: CommandOptions): Promise<void> {
    return this.work('update-lock', () => lockUpdateCall(checkIdentifier(identifier)), options);
  }

  /** A command that is given as data. Gives what was read; undefined where work was done. */
  async run(command: GatewayCommand, options: CommandOptions): Promise<ListedLock[] | GatewayStatus | undefined> {
    const { operation } = command;
    if (operation === 'list' || operation === 'status') return this[operation](options);
    if (operation === 'synchronize-lock') await this.synchronizeLock(command.identifier, options);
    else if (operation === 'update-lock') await this.updateLock(command.identifier, options);
    else await this[operation](options);
    return undefined;
  }

  /** Polls a lock from now on, until the returned function is called. */
  watch(watch: Watch, listener: WatchListener): () => void {
    return this.watcher.watch({ ...watch, share: checkShare(watch.share) }, listener);
  }

  /** Writes down where the timestamps stand, and what was read. Does not wait for what is under way. */
  async settle(): Promise<void> {
    await Promise.all([this.channel.timestamps.settle(), this.readings.saved()]);
  }

  get busy(): boolean {
    return this.channel.queue.busy;
  }

  rest(): Promise<void> {
    return this.channel.queue.rest();
  }

  private verb(verb: LockAction) {
    return (share: Share, options: ActionOptions): Promise<ActionResult> =>
      this.command(`${verb} lock ${share.identifier}`, options, () =>
        act(this.channel, verb, checkShare(share), options),
      );
  }

  private work(name: Work, call: () => Call<null>, options: CommandOptions): Promise<void> {
    return this.command(name, options, () => work(this.channel, call(), options));
  }

  private async readLock(share: Share, rank: 'read' | 'poll', options: CommandOptions): Promise<LockReading> {
    const { clock } = this.channel;
    const call = lockStatusCall(share, () => clock.now());
    const reading = await this.reads.read(`lock ${share.identifier} ${share.code}`, call, rank, options);
    this.readings.add(reading);
    return reading;
  }

  /** Says in the log that it began, and how it ended. */
  private async command<T>(name: string, options: CommandOptions, run: () => Promise<T>): Promise<T> {
    const { clock, key, log, queue } = this.channel;
    const began = clock.elapsed();
    const note = (end: string): void => log.debug(`${key}: ${name}: ${end}, ${Math.round(clock.elapsed() - began)} ms`);
    // Only where something else has its turn: else it is on its way in the same moment.
    if (queue.busy) options.onProgress?.({ step: 'waiting' });
    try {
      options.signal?.throwIfAborted();
      const result = await run();
      note('done');
      return result;
    } catch (error) {
      note(systemCode(error) ?? 'given up');
      throw error;
    }
  }
}

function checkIdentifier(identifier: string): string {
  const plain = plainIdentifier(identifier);
  if (plain === undefined) throw noLockNamed();
  return plain;
}

function checkShare(share: Share): Share {
  const identifier = checkIdentifier(share.identifier);
  const fault = faultOfCode(share.code);
  if (fault !== undefined) {
    throw invalidInput(fault, 'Type the share code that the app of The Keys shows for the share with this gateway.');
  }
  return { identifier, code: cleanCode(share.code) };
}
