/**
 * Fetches and initialises the WebAssembly core, once, when it is first needed.
 *
 * Importing this file does nothing: no fetch, no global. It does not decide when the core is needed (see
 * `sdk/driver.ts`) and knows nothing of SIP.
 */
import type * as CoreModule from "../wasm/switchhook_core.js";
import { SipError } from "./sdk/errors.js";

/** Settings that hold for all user agents of a page. Set them before the first one is made. */
export interface Configuration {
  /** Where `switchhook_core_bg.wasm` is, when it was moved away from its place in the package. */
  wasmUrl?: string | URL;
}

let wasmUrl: string | URL | undefined;
let loading: Promise<typeof CoreModule.Core> | undefined;

/** Sets what holds for the whole page. A core that was already loaded stays as it is. */
export function configure(configuration: Configuration): void {
  wasmUrl = configuration.wasmUrl ?? wasmUrl;
}

/** The core's class. Later calls share the first one's result; after a failure the next call tries again. */
export function loadCore(): Promise<typeof CoreModule.Core> {
  loading ??= fetchCore().catch((error: unknown) => {
    loading = undefined;
    throw error;
  });
  return loading;
}

async function fetchCore(): Promise<typeof CoreModule.Core> {
  const url = wasmUrl ?? new URL("../wasm/switchhook_core_bg.wasm", import.meta.url);
  const [core, response] = await Promise.all([importGlue(), fetchWasm(url)]);
  try {
    await core.default({ module_or_path: response });
  } catch (cause) {
    throw isBlockedByPolicy(cause) ? blockedError(cause) : unavailableError(url, cause);
  }
  return core.Core;
}

function importGlue(): Promise<typeof CoreModule> {
  return import("../wasm/switchhook_core.js");
}

async function fetchWasm(url: string | URL): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { credentials: "same-origin" });
  } catch (cause) {
    throw unavailableError(url, cause);
  }
  if (!response.ok) throw unavailableError(url, new Error(`HTTP ${String(response.status)}`));
  return response;
}

/** Chromium and Safari name the directive, Firefox says "blocked by CSP". */
function isBlockedByPolicy(cause: unknown): boolean {
  return /unsafe-eval|content security policy|\bCSP\b/i.test(String(cause));
}

function blockedError(cause: unknown): SipError {
  return new SipError({
    code: "WASM_BLOCKED",
    message:
      "This page's Content-Security-Policy forbids WebAssembly. Add 'wasm-unsafe-eval' to its script-src directive.",
    fatal: true,
    cause,
  });
}

function unavailableError(url: string | URL, cause: unknown): SipError {
  const address = String(url);
  return new SipError({
    code: "WASM_UNAVAILABLE",
    message:
      `The telephone module could not be loaded from ${address}. Check that the file is there and that connect-src ` +
      "of the page's Content-Security-Policy allows it, or name another place with configure({ wasmUrl }).",
    retryable: true,
    cause,
  });
}
