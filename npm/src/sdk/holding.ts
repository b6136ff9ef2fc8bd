/** Holds and resumes of one call, one after the other however fast they are asked for. */
import { type Deferred, deferred } from "./deferred.js";
import type { SipError } from "./errors.js";

/** The queue. */
export class Holding {
  #last: Promise<unknown> = Promise.resolve();
  #result: Deferred<undefined> | undefined;

  /** Waits for those before it, then asks the core by `send`, which may throw; fulfilled when the other side agreed. */
  change(send: () => void): Promise<void> {
    const changed = this.#last.then(() => this.#ask(send));
    this.#last = changed.catch(() => undefined);
    return changed;
  }

  /** What became of the last one. */
  handleResult(error?: SipError): void {
    const result = this.#result;
    this.#result = undefined;
    if (error) result?.reject(error);
    else result?.resolve(undefined);
  }

  #ask(send: () => void): Promise<void> {
    const result = deferred<undefined>();
    this.#result = result;
    try {
      send();
    } catch (thrown) {
      this.#result = undefined;
      throw thrown;
    }
    return result.promise;
  }
}
