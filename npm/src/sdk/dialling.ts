/** The promises of digits on their way: the core tells of each digit, these tell of all digits of one command. */
import { type Deferred, deferred } from "./deferred.js";
import type { SipError } from "./errors.js";

/** The commands of one call, oldest first. */
export class Dialling {
  #commands: { left: number; readonly done: Deferred<undefined> }[] = [];

  /** Digits are asked for; `send` asks the core and may throw. */
  dial(digits: string, send: () => void): Promise<void> {
    const done = deferred<undefined>();
    const left = digits.replace(/[,w]/gi, "").length;
    if (left === 0) done.resolve(undefined);
    else this.#commands.push({ left, done });
    try {
      send();
    } catch (thrown) {
      this.#commands = this.#commands.filter((command) => command.done !== done);
      throw thrown;
    }
    return done.promise;
  }

  /** One digit left, or could not. */
  handleDigit(error?: SipError): void {
    const [first] = this.#commands;
    if (!first) return;
    if (error) first.done.reject(error);
    first.left -= 1;
    if (first.left > 0) return;
    first.done.resolve(undefined);
    this.#commands.shift();
  }

  /** The call is over. */
  end(error: SipError): void {
    this.#commands.splice(0).forEach(({ done }) => { done.reject(error); });
  }
}
