/**
 * Tokens: what a visitor without an account shows to call (RFC 8898). Each is good for one call and a short time, so one
 * is asked for when a call begins.
 */
import { SipError } from "./errors.js";
import { serverUrl } from "./server-url.js";

/** A token, what makes one for each call, or the address that does. */
export type TokenSource = string | TokenProvider | TokenEndpoint;

/** Asks the page's own back end. `target` is whom `call()` was given. */
export type TokenProvider = (target: string) => string | Promise<string>;

/**
 * The relay's `POST /api/tokens`, or an address of the site's own back end that is asked the same way: it is sent
 * `{ siteKey, callee }` as JSON and answers `{ token }`. Where there is no `siteKey`, none is sent.
 */
export interface TokenEndpoint {
  /** The public key of this site. */
  siteKey?: string;
  /** The address. Default: `/api/tokens` on the host of the user agent's `server`. */
  url?: string | URL;
}

/** The headers that show a token; none where there is no source. */
export async function tokenHeaders(
  source: TokenSource | undefined,
  target: string,
  server: string | URL | undefined,
): Promise<[string, string][]> {
  if (source === undefined) return [];
  return [["Authorization", `Bearer ${await tokenFrom(source, target, server)}`]];
}

async function tokenFrom(source: TokenSource, target: string, server: string | URL = ""): Promise<string> {
  if (typeof source === "string") return source;
  if (typeof source === "function") return source(target);
  const { siteKey, url } = source;
  return ask(url ?? endpointOf(server), { ...(siteKey !== undefined && { siteKey }), callee: target });
}

/** `wss://relay.example.com/sip` is beside `https://relay.example.com/api/tokens`. */
function endpointOf(server: string | URL): string {
  return new URL("/api/tokens", serverUrl(server).replace(/^ws/, "http")).href;
}

async function ask(url: string | URL, body: { siteKey?: string; callee: string }): Promise<string> {
  const request = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) };
  const response = await fetch(url, request).catch((cause: unknown) => { throw unreachable(url, cause); });
  const answer = (await response.json().catch(() => ({}))) as { token?: unknown; message?: unknown };
  if (response.ok && typeof answer.token === "string") return answer.token;
  throw refused(response.status, typeof answer.message === "string" ? answer.message : response.statusText);
}

function unreachable(url: string | URL, cause: unknown): SipError {
  const message = `No token for this call: ${String(url)} cannot be reached, or does not let this page read its answer.`;
  return new SipError({ code: "SERVER_ERROR", message, retryable: true, cause });
}

/** Too many at once is over soon; the rest is for the site's owner to mend. */
function refused(status: number, reason: string): SipError {
  const retryable = status === 429 || status >= 500;
  const next = retryable ? "Try again in a moment." : "The site's owner can see why in the relay's log.";
  const message = `No token for this call: ${reason || String(status)}. ${next}`;
  return new SipError({ code: retryable ? "SERVER_ERROR" : "FORBIDDEN", message, status, reason, retryable });
}
