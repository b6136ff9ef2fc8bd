/** Who is told what the core says: about one call, one message, one subscription, one publication, and everything else. */
import type { CoreEvent } from "./driver.js";
import type { SipError } from "./errors.js";

/** The event of one type. */
export type EventOf<T extends CoreEvent["type"]> = Extract<CoreEvent, { type: T }>;

/** What the core says about one call after it exists. */
export type CallFact = Extract<CoreEvent, { call: number }> & { type: Exclude<CoreEvent["type"], "incomingCall"> };

/** Who is told about one call. */
export interface CallListener {
  handleFact(fact: CallFact): void;
  /** The call cannot be made, or the core is gone. */
  handleFailure(error: SipError): void;
}

/** Who is told what became of one message. */
export interface MessageListener {
  handleSent(event: EventOf<"messageSent">): void;
  handleFailure(error: SipError): void;
}

/** Who is told about one subscription. */
export interface SubscriptionListener {
  handleFact(fact: EventOf<"subscriptionChange"> | EventOf<"notify">): void;
  handleFailure(error: SipError): void;
}

/** Who is told about one publication. */
export interface PublicationListener {
  handleFact(fact: EventOf<"publicationChange">): void;
  handleFailure(error: SipError): void;
}

/** Who is told about everything else. */
export interface AgentListener {
  handleConnection(event: EventOf<"connectionChange">): void;
  handleRegistration(event: EventOf<"registrationChange">): void;
  /** `adopt` names the call's listener; commands for it work from then on. */
  handleIncoming(event: EventOf<"incomingCall">, adopt: (listener: CallListener) => void): void;
  handleRefused(event: EventOf<"callRefused">): void;
  handleMessage(event: EventOf<"message">): void;
  /** The server tells of the voice mail without a subscription. */
  handleNotify(event: EventOf<"notify">): void;
  handleFailure(error: SipError): void;
}
