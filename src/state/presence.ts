/**
 * Notices that two processes use one state folder, which a folder cannot bear: they would sign with the same timestamps.
 * Each leaves a file that says who it is, touches it now and then, and looks for those of others.
 */
import { randomUUID } from 'node:crypto';
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import type { Clock } from '../common/clock';
import { fateOf, nameOf, ownerIn, thisProcess } from './owner';

export interface PresenceOptions {
  folder: string;
  clock: Clock;
  warn: (message: string) => void;
}

const ENDING = '.owner';
const BEAT_MS = 15_000;
/** A file of another machine that was not touched for so many beats was left behind. */
const LEFT_BEHIND_BEATS = 8;

export class Presence {
  /** The other process, in words for a person. */
  other: string | undefined;
  private readonly file: string;
  private readonly self = JSON.stringify(thisProcess());
  /** When the files of others were touched last, and for how many beats that has not changed. */
  private readonly seen = new Map<string, { touched: number; beats: number }>();
  private cancel: () => void = () => undefined;
  private beating: Promise<void> = Promise.resolve();
  private warned = false;
  private ended = false;

  constructor(private readonly options: PresenceOptions) {
    this.file = path.join(options.folder, `${randomUUID()}${ENDING}`);
    this.beat();
  }

  async end(): Promise<void> {
    this.ended = true;
    this.cancel();
    await this.beating;
    await rm(this.file, { force: true }).catch(() => undefined);
  }

  /** A folder that cannot be used is noticed by those who keep something there. */
  private beat(): void {
    this.beating = this.showAndLook().catch(() => undefined);
    this.cancel = this.options.clock.after(BEAT_MS, () => void this.beating.then(() => !this.ended && this.beat()));
  }

  private async showAndLook(): Promise<void> {
    const { folder, warn } = this.options;
    const now = new Date();
    await utimes(this.file, now, now).catch(async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(this.file, this.self, { mode: 0o600 });
    });
    const names = await readdir(folder);
    for (const name of names) if (isLeftover(name)) await rm(path.join(folder, name), { force: true });
    const others = names.filter((name) => name.endsWith(ENDING) && !this.file.endsWith(name));
    const alive = await Promise.all(
      others.map((name) => this.livingOwner(path.join(folder, name)).catch(() => undefined)),
    );
    this.other = alive.find((name) => name !== undefined);
    if (this.other === undefined || this.warned) return;
    this.warned = true;
    warn(
      `${this.other} uses ${folder} too. The gateway refuses commands of two that do not know of each other (INVALID_HMAC): ` +
        'give each Node-RED a user directory of its own, and let them share a Redis (Shared state)',
    );
  }

  private async livingOwner(file: string): Promise<string | undefined> {
    const text = await readFile(file, 'utf8');
    if (text === this.self) return undefined;
    const owner = ownerIn(text);
    const { mtimeMs } = await stat(file);
    const before = this.seen.get(file);
    const beats = before?.touched === mtimeMs ? before.beats + 1 : 0;
    this.seen.set(file, { touched: mtimeMs, beats });
    const fate = owner === undefined ? 'unknown' : fateOf(owner);
    if (fate === 'gone' || beats >= LEFT_BEHIND_BEATS) {
      await rm(file, { force: true });
      return undefined;
    }
    const isAlive = fate === 'alive' || (before !== undefined && beats === 0);
    return isAlive && owner !== undefined ? nameOf(owner) : undefined;
  }
}

/** What a process that was killed in the middle of a write left behind. */
function isLeftover(name: string): boolean {
  const [, pid] = /\.(\d{1,9})\.tmp$/.exec(name) ?? [];
  return pid !== undefined && fateOf({ pid: Number(pid), host: hostname(), started: '' }) === 'gone';
}
