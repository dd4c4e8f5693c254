/** What a suite has started, to end it in reverse: a start that fails must not leave the others running. */
export class Started {
  private readonly ends: (() => Promise<unknown>)[] = [];

  async with<T>(starting: Promise<T>, end: (started: T) => Promise<unknown>): Promise<T> {
    const started = await starting;
    this.ends.push(() => end(started));
    return started;
  }

  async end(): Promise<void> {
    for (const end of this.ends.splice(0).reverse()) await end();
  }
}
