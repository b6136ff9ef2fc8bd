/** What the contacts do just now, and whether voice mail waits: the phone's subscriptions. */
import type { DialogInfo, MessageSummary, Presence, UserAgent } from "../../index.js";
import type { Lamp, Voicemail } from "./state.js";

/** Who is told. */
export interface LampListener {
  onLamp(uri: string, lamp: Lamp): void;
  onVoicemail(voicemail: Voicemail): void;
}

/** The subscriptions of one account. */
export class Lamps {
  readonly #agent: UserAgent;
  readonly #listener: LampListener;
  readonly #followed = new Map<string, AbortController>();
  readonly #over = new AbortController();

  constructor(agent: UserAgent, listener: LampListener) {
    this.#agent = agent;
    this.#listener = listener;
  }

  /** Follows these addresses and no others. */
  follow(uris: readonly string[]): void {
    for (const [uri, stop] of this.#followed) {
      if (uris.includes(uri)) continue;
      stop.abort();
      this.#followed.delete(uri);
    }
    uris.filter((uri) => !this.#followed.has(uri)).forEach((uri) => {
      const stop = new AbortController();
      this.#followed.set(uri, stop);
      void this.#watch(uri, AbortSignal.any([stop.signal, this.#over.signal]));
    });
  }

  /** Follows the voice mail of an account. */
  followVoicemail(uri: string): void {
    const subscription = this.#agent.subscribe(uri, "message-summary", { signal: this.#over.signal });
    subscription.on("notify", ({ content }) => { if (content) this.#listener.onVoicemail(voicemailOf(content, uri)); });
  }

  close(): void {
    this.#over.abort();
  }

  /** Presence where the server knows it, else the busy lamp. */
  async #watch(uri: string, signal: AbortSignal): Promise<void> {
    const presence = this.#agent.subscribe(uri, "presence", { signal });
    presence.on("notify", ({ content }) => { if (content) this.#listener.onLamp(uri, lampOfPresence(content)); });
    await presence.ended;
    if (isOver(signal)) return;
    const dialog = this.#agent.subscribe(uri, "dialog", { signal });
    dialog.on("notify", ({ content }) => { if (content) this.#listener.onLamp(uri, lampOfDialogs(content)); });
    await dialog.ended;
    if (!isOver(signal)) this.#listener.onLamp(uri, "unknown");
  }
}

/** It may have been aborted while something was awaited. */
function isOver(signal: AbortSignal): boolean {
  return signal.aborted;
}

function lampOfPresence({ basic, activities }: Presence): Lamp {
  if (basic === "closed") return "offline";
  if (activities.some((activity) => /busy|on-the-phone|meeting/.test(activity))) return "busy";
  return activities.some((activity) => /away|vacation|sleeping/.test(activity)) ? "away" : "available";
}

function lampOfDialogs({ lamp }: DialogInfo): Lamp {
  return lamp === "idle" ? "available" : lamp;
}

function voicemailOf({ waiting, account, voice }: MessageSummary, own: string): Voicemail {
  return { waiting, count: voice?.new ?? 0, account: account ?? own };
}
