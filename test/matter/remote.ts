/** Calls a process of its own, in the network namespace of the test: one message for each call and one for its answer. */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };
export type Handlers = Record<string, (...args: never[]) => unknown>;

interface Call {
  call: number;
  name: string;
  args: unknown[];
}
interface Answer {
  call: number;
  value?: unknown;
  error?: string;
}

/** In the process: answers calls until the test lets go of it. */
export function serve(handlers: Handlers): void {
  process.on('message', ({ call, name, args }: Call) => {
    const run = async (): Promise<unknown> => handlers[name]?.(...(args as never[]));
    void run().then(
      (value) => process.send?.({ call, value } satisfies Answer),
      (error: unknown) => process.send?.({ call, error: String((error as Error).stack ?? error) } satisfies Answer),
    );
  });
  process.on('disconnect', () => process.exit());
}

type Result<H> = H extends (...args: never[]) => infer R ? Awaited<R> : never;

/** In the test: the process. */
export class Remote<H extends Handlers> {
  readonly output: string[] = [];
  private readonly waiting = new Map<number, (answer: Answer) => void>();
  private calls = 0;

  private constructor(readonly process: ChildProcess) {
    process.on('message', (answer: Answer) => {
      this.waiting.get(answer.call)?.(answer);
      this.waiting.delete(answer.call);
    });
    process.on('exit', () => {
      for (const [call, end] of this.waiting) end({ call, error: `the process ended:\n${this.output.join('')}` });
    });
    for (const stream of [process.stdout, process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => this.output.push(text));
    }
  }

  /** `command`: what runs Node.js where it shall run. */
  static start<H extends Handlers>(command: string[], file: string, args: string[]): Remote<H> {
    const [program = '', ...words] = [...command, process.execPath, '--import', 'tsx', file, ...args];
    return new Remote<H>(
      spawn(program, words, { stdio: ['ignore', 'pipe', 'pipe', 'ipc'], serialization: 'advanced' }),
    );
  }

  async call<K extends keyof H & string>(name: K, ...args: Parameters<H[K]>): Promise<Result<H[K]>> {
    const call = (this.calls += 1);
    const { value, error } = await new Promise<Answer>((resolve) => {
      this.waiting.set(call, resolve);
      this.process.send({ call, name, args } satisfies Call);
    });
    if (error !== undefined) throw new Error(`${name}: ${error}`);
    return value as Result<H[K]>;
  }

  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    if (this.process.exitCode !== null || this.process.signalCode !== null) return;
    this.process.kill(signal);
    await once(this.process, 'exit');
  }
}
