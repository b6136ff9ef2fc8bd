/** What the controls of `<web-phone>` are for; its screens call these and decide nothing. */
import type { Account } from "../index.js";

/** Requests of a person at the phone. */
export interface WebPhoneActions {
  onSignIn(server: string, account: Account): void;
  onSignOut(): void;
  onCall(target: string): void;
  onAnswer(): void;
  onDecline(): void;
  onHangUp(): void;
  onMute(): void;
  onHold(): void;
  onKeypad(): void;
  onDigit(digit: string): void;
  onAgain(): void;
  onClose(): void;
  onUnlock(): void;
}
