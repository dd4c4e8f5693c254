/**
 * Who uses a folder. A process that leaves a file behind writes in it who it is: its number and when it started, because
 * numbers are given again, and its machine. Two processes that keep their state in one folder would sign with the same
 * timestamps: each leaves such a file there, touches it now and then, and looks for those of others.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import path from 'node:path';
import type { Clock } from '../common/clock';
import { systemCode } from '../common/errors';
import { foreignText } from '../common/foreign';
import { parseJson } from '../common/json';
import type { Log } from '../common/log';

export interface Owner {
  pid: number;
  host: string;
  /** When it started, as the system counts it; empty where that is not known. */
  started: string;
}

export function thisProcess(): Owner {
  return { pid: process.pid, host: hostname(), started: startOf(process.pid) };
}

/** Undefined for a text that names no process. */
export function ownerIn(text: string): Owner | undefined {
  const { pid, host, started } = Object(parseJson(text)) as Partial<Record<keyof Owner, unknown>>;
  if (typeof pid !== 'number' || !Number.isSafeInteger(pid) || pid <= 0 || typeof host !== 'string') return undefined;
  return { pid, host, started: typeof started === 'string' ? started : '' };
}

/** `unknown` for one of another machine, and where the number lives but may have been given again. */
export function fateOf({ pid, host, started }: Owner): 'gone' | 'alive' | 'unknown' {
  if (host !== hostname()) return 'unknown';
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (systemCode(error) === 'ESRCH') return 'gone';
  }
  const now = startOf(pid);
  if (now === '' || started === '') return 'unknown';
  return now === started ? 'alive' : 'gone';
}

/** The boot and the tick at which a process started, where the system has `/proc` (proc(5): the 22nd field). */
function startOf(pid: number): string {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the command's name in brackets, which may hold blanks and brackets itself.
    const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '';
    return `${readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()} ${ticks}`;
  } catch {
    return '';
  }
}

/** For how long files have not been touched, by our own count: wall clocks are set, and file times with them. */
export class Silence {
  private readonly seen = new Map<string, { stamp: string; since: number; hasChanged: boolean }>();

  constructor(private readonly clock: Clock) {}

  /** Milliseconds since the file was last seen to change, and whether it ever was. @throws where there is none */
  async of(file: string, content: string): Promise<{ ms: number; hasChanged: boolean }> {
    const stamp = `${(await stat(file)).mtimeMs} ${content}`;
    const now = this.clock.elapsed();
    const before = this.seen.get(file);
    const seen = before?.stamp === stamp ? before : { stamp, since: now, hasChanged: before !== undefined };
    this.seen.set(file, seen);
    return { ms: now - seen.since, hasChanged: seen.hasChanged };
  }
}

const ENDING = '.owner';
const BEAT_MS = 15_000;
/** A file of another machine that was not touched for so long was left behind. */
const LEFT_BEHIND_MS = 120_000;

export class Presence {
  /** The other process, in words for a person. */
  other: string | undefined;
  /** Settles when it has looked for others. */
  beating: Promise<void> = Promise.resolve();
  private readonly file: string;
  private readonly self = JSON.stringify(thisProcess());
  private readonly silence: Silence;
  private cancel: () => void = () => undefined;
  private warned = false;
  private ended = false;

  constructor(private readonly options: { folder: string; clock: Clock; log: Log }) {
    this.file = path.join(options.folder, `${randomUUID()}${ENDING}`);
    this.silence = new Silence(options.clock);
    this.beat();
  }

  async end(): Promise<void> {
    this.ended = true;
    this.cancel();
    await this.beating;
    await rm(this.file, { force: true }).catch(() => undefined);
  }

  /** A folder that cannot be used is noticed when something is kept there. */
  private beat(): void {
    this.beating = this.showAndLook().catch(() => undefined);
    const again = (): void => void this.beating.then(() => !this.ended && this.beat());
    this.cancel = this.options.clock.after(BEAT_MS, again, true);
  }

  private async showAndLook(): Promise<void> {
    const { folder, log } = this.options;
    const now = new Date();
    await utimes(this.file, now, now).catch(async () => {
      await mkdir(folder, { recursive: true, mode: 0o700 });
      await writeFile(this.file, this.self, { mode: 0o600 });
    });
    const names = await readdir(folder);
    for (const name of names) if (isLeftover(name)) await rm(path.join(folder, name), { force: true });
    const others = names.filter((name) => name.endsWith(ENDING)).map((name) => path.join(folder, name));
    const alive = await Promise.all(others.map((file) => this.livingOwner(file).catch(() => undefined)));
    this.other = alive.find((name) => name !== undefined);
    if (this.other === undefined || this.warned) return;
    this.warned = true;
    log.warn(
      `${this.other} uses ${folder} too. The gateway refuses commands of two that do not know of each other (INVALID_HMAC): ` +
        'give each Node-RED a user directory of its own, and let them share a Redis (Shared state)',
    );
  }

  private async livingOwner(file: string): Promise<string | undefined> {
    const text = await readFile(file, 'utf8');
    if (text === this.self) return undefined;
    const owner = ownerIn(text);
    const fate = owner === undefined ? 'unknown' : fateOf(owner);
    const { ms, hasChanged } = await this.silence.of(file, text);
    if (fate === 'gone' || ms >= LEFT_BEHIND_MS) await rm(file, { force: true });
    else if (owner !== undefined && (fate === 'alive' || hasChanged)) {
      return `process ${owner.pid} on ${foreignText(owner.host, 60)}`;
    }
    return undefined;
  }
}

/** What a process that was killed in the middle of a write left behind. */
function isLeftover(name: string): boolean {
  const [, pid] = /\.(\d{1,9})\.tmp$/.exec(name) ?? [];
  return pid !== undefined && fateOf({ pid: Number(pid), host: hostname(), started: '' }) === 'gone';
}
