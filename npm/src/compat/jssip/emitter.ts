/** The EventEmitter that JsSIP's users know, in the few methods that they call. */

/** Who hears an event; what it is handed depends on the event, as in JsSIP. */
export type Listener = (event: never) => void;

/** Emits events to listeners. */
export class Emitter {
  readonly #listeners = new Map<string, Listener[]>();

  on(type: string, listener: Listener): this {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
    return this;
  }

  addListener(type: string, listener: Listener): this {
    return this.on(type, listener);
  }

  once(type: string, listener: Listener): this {
    const first: Listener = (event) => {
      this.off(type, first);
      listener(event);
    };
    return this.on(type, first);
  }

  off(type: string, listener: Listener): this {
    const rest = (this.#listeners.get(type) ?? []).filter((each) => each !== listener);
    this.#listeners.set(type, rest);
    return this;
  }

  removeListener(type: string, listener: Listener): this {
    return this.off(type, listener);
  }

  removeAllListeners(type?: string): this {
    if (type === undefined) this.#listeners.clear();
    else this.#listeners.delete(type);
    return this;
  }

  listenerCount(type: string): number {
    return this.#listeners.get(type)?.length ?? 0;
  }

  /** Returns whether anybody listened. A listener that throws is reported and hinders nobody. */
  emit(type: string, event: object = {}): boolean {
    const listeners = this.#listeners.get(type) ?? [];
    for (const listener of listeners) {
      try {
        listener(event as never);
      } catch (error) {
        reportError(error);
      }
    }
    return listeners.length > 0;
  }
}
