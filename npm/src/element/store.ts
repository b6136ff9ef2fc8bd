/** State that is replaced and never changed, and whoever watches it. */

/** Holds one frozen state. */
export class Store<S extends object> {
  readonly #watchers = new Set<(state: S, previous: S) => void>();
  #state: Readonly<S>;

  constructor(initial: S) {
    this.#state = Object.freeze(initial);
  }

  /** The state now. */
  get state(): Readonly<S> {
    return this.#state;
  }

  /** Calls `watcher` after each change until the returned function is called. */
  subscribe(watcher: (state: S, previous: S) => void): () => void {
    this.#watchers.add(watcher);
    return () => this.#watchers.delete(watcher);
  }

  /** Replaces what `change` names; nobody is told when nothing is new. */
  protected update(change: Partial<S>): void {
    const previous = this.#state;
    const next = Object.freeze({ ...previous, ...change });
    if (keysOf(next).every((key) => next[key] === previous[key])) return;
    this.#state = next;
    this.#watchers.forEach((watcher) => { watcher(next, previous); });
  }
}

function keysOf<S extends object>(state: S): (keyof S)[] {
  return Object.keys(state) as (keyof S)[];
}
