/** What the screens of `<web-phone>` call: requests go up, nothing is decided below. */
import type { PhoneRequest } from "./requests.js";

/** A person at the phone. */
export interface WebPhoneActions {
  /** Something is wanted of the phone. */
  readonly ask: (request: PhoneRequest) => void;
  /** Shows or hides the keypad of a call. */
  onKeypad(): void;
  /** Shows or hides the form of a transfer. */
  onTransferForm(): void;
  /** Calls whoever was called last. */
  onAgain(): void;
}
