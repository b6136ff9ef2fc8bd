// The page of error codes: what each means, whether trying again makes sense and which SIP statuses become it, read from
// the sources that decide it; what a page should do about it is written here.
import { readFileSync } from "node:fs";
import { join } from "node:path";

/** What a page, or whoever runs it, does about each code. One without an entry is an error. */
const TODO = {
  MIC_DENIED: "Show where the browser's address bar allows the microphone; call again from a click. A frame needs `allow=\"microphone\"`.",
  MIC_NOT_FOUND: "Ask for a microphone to be connected, or offer `ua.devices.list()`.",
  MIC_IN_USE: "Ask to close other programs that record; call again.",
  INSECURE_PAGE: "Serve the page over https.",
  CONNECTION_LOST: "Nothing: the user agent connects again, and `connectionchange` says when. Then call again.",
  CONNECTION_REFUSED: "Check `server`, the relay's `web.origins` and the page's `connect-src`. The user agent goes on trying.",
  WRONG_CREDENTIALS: "Ask for user name and password again; with tokens, see why the relay's log refuses them.",
  BUSY: "Offer to call again.",
  NOT_FOUND: "Check the number, or the dial plan of the PBX.",
  NO_ANSWER: "Offer to call again, or to leave a message.",
  REJECTED: "Say so. Do not call again by yourself.",
  CANCELLED: "Nothing: a caller or a signal gave up.",
  FORBIDDEN: "See the relay's log: its rules, or the PBX's, do not allow this call.",
  SERVER_ERROR: "Try again after a moment; see the PBX's log if it stays.",
  UNREACHABLE: "Offer to call again later: no phone of the other side is signed in, or a gateway is down.",
  TIMEOUT: "Try again; check that the relay reaches the PBX (`/readyz`).",
  MEDIA_FAILED: "Try again, or on another network; the relay's media port must be open for UDP. `ua.diagnose()` says more.",
  INCOMPATIBLE_MEDIA: "Check which codecs the PBX offers. Through the relay this is a mistake of its settings.",
  TRANSFER_UNSUPPORTED: "Offer a conference instead, or a transfer with a consultation.",
  TRANSFER_UNCONFIRMED: "Say that the outcome is not known; the call is still there.",
  INVALID_TARGET: "Check what was typed: a number, a name, or a `sip:`, `sips:` or `tel:` address.",
  INVALID_CONFIG: "Mend the setting that the message names.",
  INVALID_ARGUMENT: "Mend the argument that the message names.",
  WRONG_STATE: "Wait for the state that the command needs: `statechange`, `holdchange`.",
  PROTOCOL_ERROR: "Try again. If it stays, report it.",
  MESSAGE_TOO_LARGE: "Send less: 32,768 bytes are the most, and servers on the way may take fewer.",
  NOT_SUPPORTED: "Do without: the other side does not know the method, the event or the type of content.",
  DISPOSED: "Make a new `UserAgent`.",
  WASM_BLOCKED: "Add `'wasm-unsafe-eval'` to `script-src` ([recipes](../recipes.md#content-security-policy)).",
  WASM_UNAVAILABLE: "Check that the `.wasm` file is served, or name its place with `configure({ wasmUrl })`.",
  INTERNAL: "Report it, with `cause`.",
};

/** Codes that arise before there is a core, and where they are made. */
const BEFORE = {
  WASM_BLOCKED: { meaning: "The page's Content-Security-Policy forbids WebAssembly.", file: "npm/src/load.ts" },
  WASM_UNAVAILABLE: { meaning: "The module could not be loaded.", file: "npm/src/load.ts" },
  INTERNAL: { meaning: "A fault of this package.", file: "npm/src/sdk/errors.ts" },
};

/** The page's text; `root` is the package's folder. */
export function errorsPage(root) {
  const read = (file) => readFileSync(join(root, "..", file), "utf8");
  const table = read("client-wasm/src/errors.rs");
  const core = [...variants(read("client-wasm/src/state_types.rs"))].map(([name, meaning]) => ({ code: screaming(name), meaning, retryable: isRetryable(table, name), statuses: statusesOf(table, name) }));
  const before = Object.entries(BEFORE).map(([code, { meaning, file }]) => ({ code, meaning, retryable: isRetryableInScript(read(file), code), statuses: [] }));
  const rows = [...core, ...before];
  const without = rows.filter(({ code }) => !TODO[code]).map(({ code }) => code);
  if (without.length > 0) throw new Error(`npm/scripts/errors-page.mjs says nothing about ${without.join(", ")}`);
  return [HEAD, "| `code` | What happened | Again? | SIP | What to do |\n|---|---|---|---|---|", ...rows.map(row)].join("\n");
}

const HEAD = `# Error codes

Whatever fails, fails with a \`SipError\`: a rejected promise, \`end.error\` of a call, \`error\` of an event. \`code\` is for programs and
never given another meaning; \`message\` says to people what happened and what to do; \`status\` is the SIP status behind it, \`reason\`
the other side's own words, \`cause\` what was thrown.

\`retryable\`: the same attempt may succeed later. \`fatal\`: nothing more will be tried until the page or its user changes something.
Below, "later" is retryable and "no" is fatal; where one case is known better, its error says so. The elements say all of them in
the visitor's language.

Written by \`npm run api\` from the sources that decide it.
`;

function row({ code, meaning, retryable, statuses }) {
  return `| \`${code}\` | ${meaning} | ${retryable ? "later" : "no"} | ${statuses.join(", ")} | ${TODO[code]} |${code === "INTERNAL" ? "\n" : ""}`;
}

/** The variants of `ErrorCode` with the words above them. */
function variants(source) {
  const [, body] = /pub enum ErrorCode \{(.*?)\n\}/s.exec(source);
  return [...body.matchAll(/\/\/\/ (.*)\n\s+(\w+),/g)].map(([, meaning, name]) => [name, meaning]);
}

function screaming(name) {
  return name.replace(/(?!^)([A-Z])/g, "_$1").toUpperCase();
}

function isRetryable(table, name) {
  const [, retry] = new RegExp(`E::${name} => [({]\\s*\\(?(Later|Never)`).exec(table) ?? [];
  if (!retry) throw new Error(`client-wasm/src/errors.rs does not describe ${name}`);
  return retry === "Later";
}

/** In TypeScript an error says `retryable: true` or `fatal: true` within the object that has its code. */
function isRetryableInScript(source, code) {
  const [, body] = new RegExp(`code: "${code}",(.*?)\\}\\)`, "s").exec(source);
  return body.includes("retryable: true");
}

/** The SIP statuses that `refusal` makes this code of. */
function statusesOf(table, name) {
  const refusal = /fn refusal\(.*?\n\}/s.exec(table)[0];
  const arms = [...refusal.matchAll(/^\s+(\(.*\)) => ErrorCode::(\w+),$/gm)].filter(([, , code]) => code === name);
  return arms.flatMap(([, pattern]) => patternsOf(pattern));
}

/** `(480, Some(17)) | (486 | 600, _)`: each status, with the Q.850 cause that it needs. */
function patternsOf(pattern) {
  return [...pattern.matchAll(/\(([\d |.=]+), (?:_|Some\(([\d |]+)\))\)/g)].flatMap(([, statuses, causes]) => {
    const shown = statuses.split(" | ").map((status) => status.replace("..=", " to "));
    return causes ? shown.map((status) => `${status} (Q.850 ${causes.replaceAll(" | ", ", ")})`) : shown;
  });
}
