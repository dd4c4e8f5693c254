/**
 * Whether the process that left a file behind is still there. Its number alone does not say: numbers are given again, and
 * two machines or containers have the same ones. So the file says when its process started too, where the system tells.
 */
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { foreignText } from '../common/foreign';
import { systemCode } from '../common/errors';
import { isRecord, parseJson } from '../common/json';

export interface Owner {
  pid: number;
  host: string;
  /** When it started, as the system counts it; empty where that is not known. */
  started: string;
}

export function thisProcess(): Owner {
  return { pid: process.pid, host: hostname(), started: startOf(process.pid) };
}

/** Undefined for a text that says none. */
export function ownerIn(text: string): Owner | undefined {
  const value = parseJson(text);
  if (!isRecord(value)) return undefined;
  const { pid, host, started } = value;
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

/** For a person to read. */
export function nameOf({ pid, host }: Owner): string {
  return `process ${pid} on ${foreignText(host, 60)}`;
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
