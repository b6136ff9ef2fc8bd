/** What happened, for whoever is asked for help: times, states and codes; no passwords, no words of messages. */
import type { Call, UserAgent } from "../../index.js";

/** Older lines make room. */
const LONGEST = 500;

/** The log of one phone. */
export class PhoneLog {
  readonly #lines: string[] = [];

  /** One line more. */
  add(text: string): void {
    this.#lines.push(`${new Date().toISOString()} ${text}`);
    if (this.#lines.length > LONGEST) this.#lines.shift();
  }

  /** Writes down what a user agent says. */
  follow(agent: UserAgent): void {
    agent
      .on("connectionchange", ({ state, server, code, reason, error }) => { this.add(words("connection", state, server && bareUrl(server), code, reason, error?.code)); })
      .on("registrationchange", ({ state, expires, error }) => { this.add(words("registration", state, expires, error?.code, error?.status)); })
      .on("playbackblocked", () => { this.add("the browser holds the sound back"); })
      .on("error", ({ error }) => { this.add(words("error", error.code, error.message)); });
    agent.devices.on("inputlost", ({ label, replacement, error }) => { this.add(words("microphone lost", label, "now", replacement, error?.code)); });
  }

  /** Writes down what a call says. */
  followCall(call: Call, id: number): void {
    const name = `call ${String(id)}`;
    this.add(words(name, call.direction, call.remote.uri));
    call
      .on("statechange", ({ state, status }) => { this.add(words(name, state, status)); })
      .on("mediachange", ({ state }) => { this.add(words(name, "sound", state)); })
      .on("holdchange", ({ held }) => { this.add(words(name, held.local && "held here", held.remote && "held there")); })
      .on("transferprogress", ({ state, status }) => { this.add(words(name, "transfer", state, status)); })
      .on("ended", ({ end }) => { this.add(words(name, "ended by", end.by, end.status, end.reason, end.error?.code, report(call))); });
    call.quality.on("warning", ({ warning, cleared }) => { this.add(words(name, warning.code, warning.leg, cleared ? "cleared" : "raised")); });
  }

  /** All of it, with the browser's name on top. */
  text(): string {
    return [navigator.userAgent, location.origin, ...this.#lines, ""].join("\n");
  }
}

/** Hands a text to the person as a file. */
export function saveText(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  const link = document.createElement("a");
  link.href = url;
  link.download = name;
  link.click();
  setTimeout(() => { URL.revokeObjectURL(url); }, 10_000);
}

/** A server's address without what may be a secret: user, password, query. */
function bareUrl(server: string): string {
  const { protocol, host, pathname } = new URL(server, location.href);
  return `${protocol}//${host}${pathname}`;
}

function words(...parts: (string | number | false | undefined)[]): string {
  return parts.filter((part) => part !== undefined && part !== false && part !== "").join(" ");
}

function report({ quality }: Call): string {
  const { report: last } = quality;
  if (!last) return "";
  return `MOS ${last.mos.toFixed(1)}, ${last.roundTrip?.toFixed(0) ?? "?"} ms, lost ${((last.received.loss ?? 0) * 100).toFixed(1)} %`;
}
