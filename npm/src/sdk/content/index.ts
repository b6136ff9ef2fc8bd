/** What the bodies of the known event packages say. */
import { type DialogInfo, DialogInfoReader } from "./dialog-info.js";
import { type MessageSummary, readMessageSummary } from "./message-summary.js";
import { type Presence, readPresence } from "./presence.js";

/** The typed contents, by event package. */
export interface EventContents {
  presence: Presence;
  dialog: DialogInfo;
  "message-summary": MessageSummary;
}

/** The content of a package: typed where it is known, else the body. */
export type EventContent<E extends string> = E extends keyof EventContents ? EventContents[E] : string | Uint8Array;

/** The type of content that each known package brings. */
const TYPES: Readonly<Record<keyof EventContents, string>> = {
  "presence": "application/pidf+xml",
  "dialog": "application/dialog-info+xml",
  "message-summary": "application/simple-message-summary",
};

/** What to accept for a package; nothing where we do not know it. */
export function acceptedType(event: string): string | undefined {
  return isKnown(event) ? TYPES[event] : undefined;
}

/** Reads the bodies of one subscription. */
export class ContentReader<E extends string> {
  readonly #event: E;
  readonly #dialogs = new DialogInfoReader();

  constructor(event: E) {
    this.#event = event;
  }

  /** The notifier's dialog is a new one. */
  restart(): void {
    this.#dialogs.restart();
  }

  /** The content of a body, or a sentence on why there is none. Never throws. */
  read(contentType: string | undefined, body: string | Uint8Array): { content?: EventContent<E>; warning?: string } {
    const event: string = this.#event;
    if (!isKnown(event)) return { content: body as EventContent<E> };
    if (body.length === 0) return {};
    const kind = contentType?.split(";")[0]?.trim().toLowerCase();
    if (kind !== TYPES[event] || typeof body !== "string") return { warning: `The body is ${kind ?? "of no type"}, not ${TYPES[event]}.` };
    const content = this.#parse(event, body);
    return typeof content === "string" ? { warning: content } : { content: content as EventContent<E> };
  }

  #parse(event: keyof EventContents, body: string): EventContents[keyof EventContents] | string {
    try {
      switch (event) {
        case "presence": return readPresence(body);
        case "dialog": return this.#dialogs.read(body);
        case "message-summary": return readMessageSummary(body);
      }
    } catch (thrown) {
      return `The body cannot be read: ${String(thrown)}`;
    }
  }
}

function isKnown(event: string): event is keyof EventContents {
  return Object.hasOwn(TYPES, event);
}
