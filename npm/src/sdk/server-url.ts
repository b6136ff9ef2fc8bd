/** Turns what a page names as its server into the address of a WebSocket. */
import { SipError } from "./errors.js";

const PROTOCOLS: Record<string, string> = { "http:": "ws:", "https:": "wss:", "ws:": "ws:", "wss:": "wss:" };

/** `/sip` and `https://…` become `wss://…`. Throws `INVALID_CONFIG` when it is no address. */
export function serverUrl(server: string | URL): string {
  const url = parse(server);
  const protocol = url && PROTOCOLS[url.protocol];
  if (!protocol) {
    throw new SipError({
      code: "INVALID_CONFIG",
      message: `"${String(server)}" is no server address. Use wss://host/path, or a path on this page's own host.`,
      fatal: true,
    });
  }
  url.protocol = protocol;
  url.hash = "";
  return url.href;
}

function parse(server: string | URL): URL | undefined {
  try {
    return new URL(server, typeof document === "undefined" ? undefined : document.baseURI);
  } catch {
    return undefined;
  }
}
