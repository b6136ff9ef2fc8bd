/** Messages: short texts, out of any call and inside one (RFC 3428). */
import { readBody, writeBody } from "./content/body.js";
import { defined } from "./defined.js";
import { deferred } from "./deferred.js";
import type { CallListener, Driver, EventOf, MessageListener } from "./driver.js";
import { SipError } from "./errors.js";
import type { Party } from "./types.js";

/** How to send a message. */
export interface MessageOptions {
  /** The type of the body. Default `text/plain;charset=UTF-8`; of bytes `application/octet-stream`. */
  contentType?: string;
  /** Headers added to the MESSAGE. */
  headers?: [string, string][];
  /** Gives up: a message that has not left stays here. One that has left may arrive all the same. */
  signal?: AbortSignal;
}

/** A message that came in. */
export class MessageReceivedEvent extends Event {
  constructor(
    /** Who sent it. What a server does not vouch for is only a claim. */
    readonly from: Party,
    /** Whom it is for. */
    readonly to: Party,
    /** The type of the body, with its parameters. */
    readonly contentType: string,
    /** Text as text (`text/…`, XML, JSON), everything else as bytes. */
    readonly body: string | Uint8Array,
    /** All headers of the MESSAGE. */
    readonly headers: readonly (readonly [string, string])[],
  ) {
    super("message");
  }

  /** @internal */
  static of({ message }: EventOf<"message"> | EventOf<"callMessage">): MessageReceivedEvent {
    const { from, to, contentType, headers } = message;
    return new MessageReceivedEvent(from, to, contentType, readBody(contentType, message.body), headers);
  }
}

/** @internal Sends a message to an address, or inside a call. */
export async function sendMessage(driver: Driver, to: string | CallListener, body: string | Uint8Array, options: MessageOptions): Promise<void> {
  const { signal, contentType = typeof body === "string" ? "text/plain;charset=UTF-8" : "application/octet-stream", headers } = options;
  const result = deferred<undefined>();
  const over = new AbortController();
  const listener: MessageListener = {
    handleSent: ({ error, reason }) => { if (error) result.reject(SipError.fromInfo(error, reason)); else result.resolve(undefined); },
    handleFailure: (error) => { result.reject(error); },
  };
  const giveUp = (): void => {
    driver.dropMessage(listener);
    const message = "The message was given up before it was known to have arrived.";
    result.reject(new SipError({ code: "CANCELLED", message, cause: signal?.reason }));
  };
  if (signal?.aborted) giveUp();
  else signal?.addEventListener("abort", giveUp, { signal: over.signal });
  try {
    await Promise.race([driver.start(), result.promise]);
    if (!signal?.aborted) driver.message(listener, to, writeBody(body), defined({ contentType, headers }));
    await result.promise;
  } catch (thrown) {
    throw SipError.from(thrown);
  } finally {
    over.abort();
  }
}
