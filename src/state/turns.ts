/** Work under a name, one after the other in the order of asking; what has another name does not wait. */
export class Turns {
  private readonly last = new Map<string, Promise<unknown>>();

  /** Runs `work` after everything that was asked for under the same name before, however that ended. */
  take<T>(name: string, work: () => Promise<T>): Promise<T> {
    const before = this.last.get(name) ?? Promise.resolve();
    const mine = before.then(work, work);
    const quiet = mine.then(
      () => undefined,
      () => undefined,
    );
    this.last.set(name, quiet);
    void quiet.then(() => {
      if (this.last.get(name) === quiet) this.last.delete(name);
    });
    return mine;
  }

  /** Resolves when all has ended that was asked for under names with this beginning. */
  async rest(beginning: string): Promise<void> {
    await Promise.all([...this.last].filter(([name]) => name.startsWith(beginning)).map(([, turn]) => turn));
  }
}
