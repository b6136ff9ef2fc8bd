/** Listeners by the core's ids, and ids by listener. Ids never leave the driver. */

/** One kind of thing that the core numbers. */
export class Routes<L extends object> {
  readonly #listeners = new Map<number, L>();
  readonly #ids = new Map<L, number>();

  bind(id: number, listener: L): void {
    this.#listeners.set(id, listener);
    this.#ids.set(listener, id);
  }

  id(listener: L): number | undefined {
    return this.#ids.get(listener);
  }

  listener(id: number): L | undefined {
    return this.#listeners.get(id);
  }

  /** Forgets a number and returns its listener. */
  release(id: number): L | undefined {
    const listener = this.#listeners.get(id);
    this.#listeners.delete(id);
    if (listener) this.#ids.delete(listener);
    return listener;
  }

  /** Forgets everything and returns the listeners. */
  clear(): L[] {
    const listeners = [...this.#listeners.values()];
    this.#listeners.clear();
    this.#ids.clear();
    return listeners;
  }
}
