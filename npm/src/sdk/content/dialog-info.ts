/** The calls of a line: dialog-info (RFC 4235), full and partial documents put together. */
import { defined } from "../defined.js";
import type { Party } from "../types.js";
import { attribute, child, children, parseXml, text } from "./xml.js";

/** One call of the watched line. */
export interface DialogState {
  /** The server's name for it. */
  readonly id: string;
  /** Where it stands: `early` rings, `confirmed` is a conversation. */
  readonly state: "trying" | "proceeding" | "early" | "confirmed" | "terminated";
  /** Why it ended: `cancelled`, `rejected`, `replaced`, `local-bye`, `remote-bye`, `error`, `timeout`. */
  readonly event?: string;
  /** The status of an end. */
  readonly code?: number;
  /** Who began it, seen from the watched line. */
  readonly direction?: "initiator" | "recipient";
  /** With `localTag` and `remoteTag`, what a pick-up names in Replaces (RFC 3891). */
  readonly callId?: string;
  readonly localTag?: string;
  readonly remoteTag?: string;
  /** The watched line. */
  readonly local?: Party;
  /** The other side. */
  readonly remote?: Party;
  /** Where the watched phone is reached in this call. */
  readonly localTarget?: string;
  readonly remoteTarget?: string;
  /** Seconds since it began. */
  readonly duration?: number;
}

/** The calls of a line. */
export interface DialogInfo {
  /** Whose line. */
  readonly entity: string;
  /** The lamp: `idle`, `ringing` (it rings there, or there is ringback), `busy`. */
  readonly lamp: "idle" | "ringing" | "busy";
  /** The calls, those that have just ended among them. */
  readonly dialogs: readonly DialogState[];
  /** The number of the newest document. */
  readonly version: number;
  /** Did a partial document in between not arrive? The next full one puts it right. */
  readonly gap: boolean;
}

const STATES = ["trying", "proceeding", "early", "confirmed", "terminated"] as const;
/** Calls of one line that are kept. */
const MAX_DIALOGS = 256;

/** Puts the documents of one subscription together (RFC 4235 §3.7, §4.3). */
export class DialogInfoReader {
  #version: number | undefined;
  #gap = false;
  #dialogs = new Map<string, DialogState>();

  /** A new dialog with the server begins: its documents are counted anew. */
  restart(): void {
    this.#version = undefined;
  }

  /** The calls after this document, or what is wrong with it. */
  read(document: string): DialogInfo | string {
    const root = parseXml(document, "dialog-info");
    if (typeof root === "string") return root;
    const version = Number(attribute(root, "version"));
    if (!Number.isInteger(version) || version < 0) return "The dialog-info has no version.";
    if (attribute(root, "state") !== "partial") this.#takeFull();
    else if (!this.#takePartial(version)) return "The dialog-info is older than the one before.";
    this.#version = version;
    for (const element of children(root, "dialog").slice(0, MAX_DIALOGS)) this.#put(element);
    const dialogs = [...this.#dialogs.values()];
    return { entity: attribute(root, "entity") ?? "", lamp: lampOf(dialogs), dialogs, version, gap: this.#gap };
  }

  #put(element: Element): void {
    const dialog = dialogOf(element);
    if (this.#dialogs.has(dialog.id) || this.#dialogs.size < MAX_DIALOGS) this.#dialogs.set(dialog.id, dialog);
  }

  /** All there is. Servers that restart count from 0 again. */
  #takeFull(): void {
    this.#gap = false;
    this.#dialogs.clear();
  }

  /** What has changed; is it newer than what is known? */
  #takePartial(version: number): boolean {
    const last = this.#version ?? version - 1;
    if (version <= last) return false;
    this.#gap ||= version > last + 1;
    for (const [id, { state }] of this.#dialogs) if (state === "terminated") this.#dialogs.delete(id);
    return true;
  }
}

function dialogOf(element: Element): DialogState {
  const state = child(element, "state");
  const word = state?.textContent.trim().toLowerCase();
  const direction = attribute(element, "direction");
  return defined({
    id: attribute(element, "id") ?? "",
    state: STATES.find((known) => known === word) ?? "terminated",
    event: attribute(state, "event"),
    code: number(attribute(state, "code")),
    direction: (["initiator", "recipient"] as const).find((known) => known === direction),
    callId: attribute(element, "call-id"),
    localTag: attribute(element, "local-tag"),
    remoteTag: attribute(element, "remote-tag"),
    local: party(child(element, "local")),
    remote: party(child(element, "remote")),
    localTarget: attribute(child(child(element, "local"), "target"), "uri"),
    remoteTarget: attribute(child(child(element, "remote"), "target"), "uri"),
    duration: number(text(element, "duration")),
  });
}

function party(side: Element | undefined): Party | undefined {
  const identity = child(side, "identity");
  const uri = identity?.textContent.trim();
  return uri ? defined({ uri, displayName: attribute(identity, "display") ?? attribute(identity, "display-name") }) : undefined;
}

function lampOf(dialogs: readonly DialogState[]): DialogInfo["lamp"] {
  if (dialogs.some(({ state }) => state === "confirmed")) return "busy";
  return dialogs.some(({ state }) => state !== "terminated") ? "ringing" : "idle";
}

function number(text: string | undefined): number | undefined {
  const value = Number(text ?? NaN);
  return Number.isFinite(value) ? value : undefined;
}
