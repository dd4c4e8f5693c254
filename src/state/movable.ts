/**
 * A state whose home can be changed while it is in use: somebody named another one for what goes on without a break. What
 * is kept does not move along.
 */
import type { Change, Json, Lease, LeaseOptions, State } from './state';

interface Ear {
  listen: (home: State) => () => void;
  unlisten: () => void;
  onGap: (() => void) | undefined;
}

export class MovableState implements State {
  private readonly ears = new Set<Ear>();

  constructor(private home: State) {}

  /**
   * Uses another home from now on, and gives the old one for the caller to close: leases that were taken there are held
   * until then.
   */
  move(home: State): State {
    const before = this.home;
    this.home = home;
    for (const ear of this.ears) {
      ear.unlisten();
      ear.unlisten = ear.listen(home);
      ear.onGap?.();
    }
    return before;
  }

  get shared(): boolean {
    return this.home.shared;
  }

  get otherOwner(): string | undefined {
    return this.home.otherOwner;
  }

  get(key: string): Promise<Json | undefined> {
    return this.home.get(key);
  }

  change<T>(key: string, decide: (current: Json | undefined) => Change<T>): Promise<T> {
    return this.home.change(key, decide);
  }

  lease(name: string, options: LeaseOptions): Promise<Lease> {
    return this.home.lease(name, options);
  }

  publish(channel: string, message: Json): Promise<void> {
    return this.home.publish(channel, message);
  }

  subscribe(channel: string, listener: (message: Json) => void, onGap?: () => void): () => void {
    const listen = (home: State): (() => void) => home.subscribe(channel, listener, onGap);
    const ear: Ear = { listen, unlisten: listen(this.home), onGap };
    this.ears.add(ear);
    return () => {
      if (this.ears.delete(ear)) ear.unlisten();
    };
  }

  close(): Promise<void> {
    return this.home.close();
  }
}
