/**
 * Many that wait for one signal, with one listener between them: to add a listener to an AbortSignal and to take it away
 * again costs more than most of what a command does.
 */
const waiting = new WeakMap<AbortSignal, Set<() => void>>();

/** Calls `run` when the signal is aborted, in the order of asking, unless the returned function was called before. */
export function onAbort(signal: AbortSignal, run: () => void): () => void {
  let all = waiting.get(signal);
  if (all === undefined) {
    const mine = new Set<() => void>();
    waiting.set(signal, mine);
    signal.addEventListener(
      'abort',
      () => {
        for (const each of [...mine]) if (mine.delete(each)) each();
      },
      { once: true },
    );
    all = mine;
  }
  const entry = (): void => run();
  all.add(entry);
  return () => void all.delete(entry);
}
