/** One publication: a document about this account, kept at the server until it is withdrawn (RFC 3903). */
import { writePresence, type PresenceInit } from "./content/presence.js";
import { writeBody } from "./content/body.js";
import { defined } from "./defined.js";
import { deferred } from "./deferred.js";
import { asyncDispose, dispose } from "./dispose.js";
import type { Driver, EventOf, PublicationListener } from "./driver.js";
import { SipError } from "./errors.js";
import { TypedEventTarget } from "./events.js";
import type { PublicationState } from "./types.js";

/** How to publish. */
export interface PublishOptions {
  /** The type of a document that is given as text. Default: `application/pidf+xml` for `presence`, else `application/xml`. */
  contentType?: string;
  /** Seconds asked for; the server may grant less, and it is refreshed before that. Default 3600. */
  expires?: number;
  /** Headers added to each PUBLISH. */
  headers?: [string, string][];
  /** Withdraws it when it aborts. */
  signal?: AbortSignal;
}

/** What to publish: a document, or for `presence` what it shall say. */
export type PublishDocument<E extends string> = E extends "presence" ? string | PresenceInit : string;

/** A publication changed its state. */
export class PublicationStateChangeEvent extends Event {
  constructor(
    readonly state: PublicationState,
    /** Seconds that the server granted. */
    readonly expires?: number,
    /** What failed. */
    readonly error?: SipError,
    /** Milliseconds until the next attempt. */
    readonly retryIn?: number,
  ) {
    super("statechange");
  }
}

/** The events of a `Publication`. */
export interface PublicationEventMap {
  statechange: PublicationStateChangeEvent;
}

/** A published document. */
export class Publication<E extends string = string> extends TypedEventTarget<PublicationEventMap> {
  /** The event package: `presence`, … */
  readonly event: E;

  readonly #driver: Driver;
  readonly #entity: string;
  readonly #contentType: string;
  readonly #published = deferred<undefined>();
  readonly #ended = deferred<undefined>();
  readonly #over = new AbortController();
  readonly #listener: PublicationListener;
  #state: PublicationState = "publishing";
  #error: SipError | undefined;
  #document: Uint8Array;

  /** @internal Use `UserAgent.publish()`. */
  constructor(driver: Driver, entity: string, event: E, document: PublishDocument<E>, options: PublishOptions = {}) {
    super();
    const { signal, expires, headers, contentType } = options;
    this.event = event;
    this.#driver = driver;
    this.#entity = entity;
    this.#contentType = contentType ?? (event === "presence" ? "application/pidf+xml" : "application/xml");
    this.#document = this.#write(document);
    this.#listener = {
      handleFact: ({ change }) => { this.#handleChange(change); },
      handleFailure: (error) => { this.#enter("ended", undefined, error); },
    };
    if (signal?.aborted) this.#enter("ended");
    else signal?.addEventListener("abort", () => void this.remove(), { signal: this.#over.signal });
    driver.start()
      .then(() => { if (this.#state !== "ended") driver.publish(this.#listener, event, this.#contentType, this.#document, defined({ expires, headers })); })
      .catch((thrown: unknown) => { this.#enter("ended", undefined, SipError.from(thrown)); });
  }

  /** `publishing`, `published`, `waiting` (another attempt follows), `ended`. */
  get state(): PublicationState {
    return this.#state;
  }

  /** Why it waits or has ended. */
  get error(): SipError | undefined {
    return this.#error;
  }

  /** Fulfilled when the server has the document; rejected with a `SipError` when it refuses. Need not be awaited. */
  get published(): Promise<void> {
    return this.#published.promise;
  }

  /** Publishes another document in place of this one. Throws a `SipError` when it is over. */
  update(document: PublishDocument<E>): void {
    if (this.#state === "ended") throw new SipError({ code: "WRONG_STATE", message: "This publication is over. Publish anew." });
    this.#document = this.#write(document);
    if (this.#driver.knowsPublication(this.#listener)) this.#driver.modify(this.#listener, this.#contentType, this.#document);
  }

  /** Withdraws the document. Fulfilled when that is done, or cannot be done. */
  async remove(): Promise<void> {
    if (this.#state === "ended") return;
    if (this.#driver.knowsPublication(this.#listener)) this.#driver.unpublish(this.#listener);
    else this.#enter("ended");
    await this.#ended.promise;
  }

  /** Withdraws the document. */
  [dispose](): void {
    void this.remove();
  }

  /** Withdraws the document. */
  [asyncDispose](): Promise<void> {
    return this.remove();
  }

  #write(document: string | PresenceInit): Uint8Array {
    return writeBody(typeof document === "string" ? document : writePresence(this.#entity, document));
  }

  #handleChange({ state, expires, error, retryInMs }: EventOf<"publicationChange">["change"]): void {
    this.#enter(state, expires, error && SipError.fromInfo(error), retryInMs);
  }

  #enter(state: PublicationState, expires?: number, error?: SipError, retryIn?: number): void {
    this.#state = state;
    this.#error = error;
    if (state === "published") this.#published.resolve(undefined);
    if (state === "ended") {
      this.#over.abort();
      this.#published.reject(error ?? new SipError({ code: "CANCELLED", message: "The document was withdrawn." }));
      this.#ended.resolve(undefined);
    }
    this.dispatchEvent(new PublicationStateChangeEvent(state, expires, error, retryIn));
  }
}
