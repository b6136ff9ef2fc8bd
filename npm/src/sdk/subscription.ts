/**
 * One subscription: somebody's state, followed until it is not wanted any more (RFC 6665).
 *
 * It outlives lost connections and restarted servers; the core decides when to ask again. What comes is read here.
 */
import { readBody } from "./content/body.js";
import { acceptedType, type EventContent, ContentReader } from "./content/index.js";
import { defined } from "./defined.js";
import { deferred } from "./deferred.js";
import { dispose } from "./dispose.js";
import type { Driver, EventOf, SubscriptionListener } from "./driver.js";
import { SipError } from "./errors.js";
import { TypedEventTarget } from "./events.js";
import { iterate } from "./iterate.js";
import type { SubscriptionState } from "./types.js";

/** How to subscribe. */
export interface SubscribeOptions {
  /** Seconds asked for; the server may grant less, and it is refreshed before that. Default 3600; 0 asks once. */
  expires?: number;
  /** The content types that are understood. Default: the one of the package, where the SDK knows it. */
  accept?: string;
  /** Headers added to each SUBSCRIBE. */
  headers?: [string, string][];
  /** Unsubscribes when it aborts. */
  signal?: AbortSignal;
}

/** How a subscription ended. */
export interface SubscriptionEnd {
  /** The notifier's reason: `rejected`, `noresource`, `timeout`, … */
  readonly reason?: string;
  /** What failed; none after one's own unsubscribing. */
  readonly error?: SipError;
}

/** A subscription changed its state. */
export class SubscriptionStateChangeEvent extends Event {
  constructor(
    readonly state: SubscriptionState,
    readonly previous: SubscriptionState,
    /** The notifier's reason. */
    readonly reason?: string,
    /** What failed. */
    readonly error?: SipError,
    /** Milliseconds until the next attempt. */
    readonly retryIn?: number,
  ) {
    super("statechange");
  }
}

/** A NOTIFY came. */
export class NotifyEvent<E extends string = string> extends Event {
  constructor(
    /** What it says; none where the body is empty or cannot be read. */
    readonly content: EventContent<E> | undefined,
    /** The body as it came: text as text, everything else as bytes. */
    readonly body: string | Uint8Array,
    /** The type of the body. */
    readonly contentType: string | undefined,
    /** All headers of the NOTIFY. */
    readonly headers: readonly (readonly [string, string])[],
    /** Why there is no content. */
    readonly warning?: string,
  ) {
    super("notify");
  }

  /** @internal What nobody has subscribed for. */
  static lamp(event: EventOf<"notify">): NotifyEvent<"message-summary"> {
    return NotifyEvent.of(new ContentReader("message-summary"), event);
  }

  /** @internal */
  static of<E extends string>(reader: ContentReader<E>, { notification: { contentType, body: bytes, headers } }: EventOf<"notify">): NotifyEvent<E> {
    const body = readBody(contentType, bytes);
    const { content, warning } = reader.read(contentType, body);
    return new NotifyEvent(content, body, contentType, headers, warning);
  }
}

/** It is over. The last event, and never missing. */
export class SubscriptionEndedEvent extends Event {
  constructor(readonly end: SubscriptionEnd) {
    super("ended");
  }
}

/** The events of a `Subscription`. */
export interface SubscriptionEventMap<E extends string = string> {
  statechange: SubscriptionStateChangeEvent;
  notify: NotifyEvent<E>;
  ended: SubscriptionEndedEvent;
}

/** Somebody's state. */
export class Subscription<E extends string = string> extends TypedEventTarget<SubscriptionEventMap<E>> {
  /** Whose. */
  readonly target: string;
  /** The event package: `presence`, `dialog`, `message-summary`, … */
  readonly event: E;

  readonly #driver: Driver;
  readonly #reader: ContentReader<E>;
  readonly #established = deferred<undefined>();
  readonly #ended = deferred<SubscriptionEnd>();
  readonly #over = new AbortController();
  readonly #listener: SubscriptionListener;
  #state: SubscriptionState = "subscribing";
  #content: EventContent<E> | undefined;

  /** @internal Use `UserAgent.subscribe()`. */
  constructor(driver: Driver, target: string, event: E, options: SubscribeOptions = {}) {
    super();
    const { signal, expires, headers, accept = acceptedType(event) } = options;
    this.target = target;
    this.event = event;
    this.#driver = driver;
    this.#reader = new ContentReader(event);
    this.#listener = {
      handleFact: (fact) => { if (fact.type === "notify") this.#handleNotify(fact); else this.#handleChange(fact); },
      handleFailure: (error) => { this.#finish({ error }); },
    };
    if (signal?.aborted) this.#finish({});
    else signal?.addEventListener("abort", () => void this.unsubscribe(), { signal: this.#over.signal });
    driver.start()
      .then(() => { if (this.#state !== "terminated") driver.subscribe(this.#listener, target, event, defined({ expires, accept, headers })); })
      .catch((thrown: unknown) => { this.#finish({ error: SipError.from(thrown) }); });
  }

  /** `subscribing`, `pending` (somebody has to allow it), `active`, `waiting` (another attempt follows), `terminated`. */
  get state(): SubscriptionState {
    return this.#state;
  }

  /** What the newest readable NOTIFY said. */
  get content(): EventContent<E> | undefined {
    return this.#content;
  }

  /** Fulfilled with the first NOTIFY; rejected with a `SipError` when it ends before. Need not be awaited. */
  get established(): Promise<void> {
    return this.#established.promise;
  }

  /** Fulfilled when it is over, whatever the reason. Never rejected. */
  get ended(): Promise<SubscriptionEnd> {
    return this.#ended.promise;
  }

  /** Ends it. Fulfilled when the server has said its last word, or has kept silent for half a minute. */
  async unsubscribe(): Promise<void> {
    if (this.#state === "terminated") return;
    if (this.#driver.knowsSubscription(this.#listener)) this.#driver.unsubscribe(this.#listener);
    else this.#finish({});
    await this.#ended.promise;
  }

  /** The `notify` events as they come, from now to the end. */
  [Symbol.asyncIterator](): AsyncIterableIterator<NotifyEvent<E>> {
    const events = iterate<NotifyEvent<E> | SubscriptionEndedEvent>(this, ["notify", "ended"], "ended");
    return (async function* () {
      for await (const event of events) if (event instanceof NotifyEvent) yield event;
    })();
  }

  /** Ends it. */
  [dispose](): void {
    void this.unsubscribe();
  }

  #handleNotify(fact: EventOf<"notify">): void {
    const event = NotifyEvent.of(this.#reader, fact);
    if (event.content !== undefined) this.#content = event.content;
    this.#established.resolve(undefined);
    this.dispatchEvent(event);
  }

  #handleChange({ change: { state, retryInMs, reason, error: info } }: EventOf<"subscriptionChange">): void {
    const error = info && SipError.fromInfo(info);
    if (state === "terminated") {
      this.#finish(defined({ reason, error }));
      return;
    }
    if (state === "waiting") this.#reader.restart();
    this.#enter(state, reason, error, retryInMs);
  }

  #enter(state: SubscriptionState, reason?: string, error?: SipError, retryIn?: number): void {
    const previous = this.#state;
    this.#state = state;
    this.dispatchEvent(new SubscriptionStateChangeEvent(state, previous, reason, error, retryIn));
  }

  #finish(end: SubscriptionEnd): void {
    if (this.#state === "terminated") return;
    this.#over.abort();
    this.#enter("terminated", end.reason, end.error);
    const message = end.reason === undefined ? "The subscription ended before it stood." : `The server ended the subscription: ${end.reason}.`;
    this.#established.reject(end.error ?? new SipError({ code: "CANCELLED", message }));
    this.#ended.resolve(end);
    this.dispatchEvent(new SubscriptionEndedEvent(end));
  }
}
