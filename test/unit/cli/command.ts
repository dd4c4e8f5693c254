/** Runs the command as a person or a script would: a process of its own. */
import { spawn, type ChildProcess } from 'node:child_process';
import path from 'node:path';

const ROOT = path.join(__dirname, '..', '..', '..');
const COMMAND = path.join(ROOT, 'src', 'cli', 'the-keys.ts');

export interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Starts it; what it prints is collected, unless its standard output is another file. The environment holds nothing of the caller's but what Node.js needs. */
export function start(
  args: readonly string[],
  env: Record<string, string> = {},
  output: number | 'pipe' = 'pipe',
): { child: ChildProcess; ended: Promise<Ended> } {
  const { PATH = '', SystemRoot = '' } = process.env;
  const child = spawn(process.execPath, ['--import', 'tsx', COMMAND, ...args], {
    cwd: ROOT,
    env: { PATH, SystemRoot, ...env },
    stdio: ['ignore', output, 'pipe'],
  });
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (chunk) => (stdout += String(chunk)));
  child.stderr?.on('data', (chunk) => (stderr += String(chunk)));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, stdout, stderr }));
  });
  return { child, ended };
}

export function run(args: readonly string[], env: Record<string, string> = {}): Promise<Ended> {
  return start(args, env).ended;
}
