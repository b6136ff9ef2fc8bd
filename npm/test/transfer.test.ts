/** Transfers: ours, with or without a consultation, and those that the other side asks for. */
import { type Call, SipError, TransferRequest, type TransferRequestEvent, UserAgent, type UserAgentOptions } from "../src/index.js";
import { core, errorInfo, fake } from "./fake-core.js";
import { cleanup, next, ok, rejection, same, test, until } from "./harness.js";

function agent(options: Partial<UserAgentOptions> = {}): UserAgent {
  fake.core = undefined;
  const audio = { ringback: false, ringtone: false } as const;
  const ua = new UserAgent({ server: "/sip", register: false, audio, ...options });
  cleanup(() => { void ua.close(); });
  return ua;
}

/** A call that stands, which the core knows as number 1. */
async function talking(options: Partial<UserAgentOptions> = {}): Promise<{ ua: UserAgent; call: Call }> {
  const ua = agent(options);
  const call = ua.call("sip:bob@example.com");
  await until(() => fake.core?.commands.includes("call sip:bob@example.com"));
  core().change(1, "active", 200);
  return { ua, call };
}

function held(call: number): void {
  core().say({ type: "holdChange", call, local: true, remote: false }, { type: "holdResult", call });
}

test("a transfer holds the call, tells how far it is, and is fulfilled by the answer", async () => {
  const { call } = await talking();
  const seen: string[] = [];
  call.on("transferprogress", (event) => seen.push(`${event.state} ${String(event.status)}`));
  const transferred = call.transfer("carol");
  await until(() => core().commands.includes("setHeld 1 true"));
  ok(!core().commands.includes("transfer 1 carol"));
  held(1);
  await until(() => core().commands.includes("transfer 1 carol"));
  core().say({ type: "transferChange", call: 1, state: "accepted", confirmed: true });
  core().say({ type: "transferChange", call: 1, state: "progress", status: 180, confirmed: true });
  core().say({ type: "transferChange", call: 1, state: "succeeded", status: 200, confirmed: true });
  core().end(1, { by: "local" });
  same(await transferred, { status: 200, confirmed: true });
  same(seen, ["accepted undefined", "progress 180"]);
});

test("a transfer that fails rejects, and the call is resumed", async () => {
  const { call } = await talking();
  const failed = rejection(call.transfer("carol"));
  await until(() => core().commands.includes("setHeld 1 true"));
  held(1);
  await until(() => core().commands.includes("transfer 1 carol"));
  core().say({ type: "transferChange", call: 1, state: "failed", confirmed: true, error: errorInfo("BUSY", 486) });
  const error = await failed;
  ok(error instanceof SipError);
  same([error.code, error.status, call.state], ["BUSY", 486, "active"]);
  await until(() => core().commands.includes("setHeld 1 false"));
});

test("who does not let itself be held is transferred all the same, and without hold at once", async () => {
  const { call } = await talking();
  void call.transfer("carol").catch(() => undefined);
  await until(() => core().commands.includes("setHeld 1 true"));
  core().say({ type: "holdResult", call: 1, error: errorInfo("INCOMPATIBLE_MEDIA", 488) });
  await until(() => core().commands.includes("transfer 1 carol"));

  const other = await talking();
  void other.call.transfer("dave", { hold: false }).catch(() => undefined);
  await until(() => core().commands.includes("transfer 1 dave"));
  ok(!core().commands.includes("setHeld 1 true"));
});

test("a transfer may end after its call, and gives up when told so", async () => {
  const { call } = await talking();
  const transferred = call.transfer("carol", { hold: false });
  await until(() => core().commands.includes("transfer 1 carol"));
  core().end(1);
  core().say({ type: "transferChange", call: 1, state: "succeeded", status: 200, confirmed: true });
  same((await transferred).status, 200);

  const other = await talking();
  const stop = new AbortController();
  const given = rejection(other.call.transfer("carol", { hold: false, signal: stop.signal }));
  await until(() => core().commands.includes("transfer 1 carol"));
  stop.abort();
  same(((await given) as SipError).code, "CANCELLED");
});

test("what cannot be transferred is said in words", async () => {
  const ua = agent();
  const early = ua.call("sip:bob@example.com");
  same(((await rejection(early.transfer("carol"))) as SipError).code, "WRONG_STATE");
  const { call } = await talking();
  same(((await rejection(call.transfer("two words", { hold: false }))) as SipError).code, "INVALID_TARGET");
});

test("a consultation holds the call, and completing it names the other call", async () => {
  const { call } = await talking();
  const consultation = call.consult("carol");
  await until(() => core().commands.includes("setHeld 1 true") && core().commands.includes("call carol"));
  held(1);
  core().change(2, "active", 200);
  const done = consultation.complete();
  await until(() => core().commands.includes("transferToCall 1 2"));
  core().say({ type: "transferChange", call: 1, state: "succeeded", status: 200, confirmed: true });
  core().end(1, { by: "local" });
  core().end(2);
  same((await done).confirmed, true);
  ok(!core().commands.includes("setHeld 1 false"));
});

test("a consultation that still rings is given up for a transfer without it", async () => {
  const { call } = await talking();
  const consultation = call.consult("carol");
  await until(() => core().commands.includes("call carol"));
  held(1);
  core().change(2, "ringing", 180);
  const done = consultation.complete();
  await until(() => core().commands.includes("transfer 1 carol"));
  ok(core().commands.includes("hangUp 2"));
  core().say({ type: "transferChange", call: 1, state: "succeeded", status: 200, confirmed: true });
  same((await done).status, 200);
});

test("cancelling a consultation, or its end, resumes the call", async () => {
  const { call } = await talking();
  const consultation = call.consult("carol");
  await until(() => core().commands.includes("call carol"));
  held(1);
  void consultation.cancel();
  await until(() => core().commands.includes("setHeld 1 false"));
  ok(core().commands.includes("hangUp 2"));

  const other = await talking();
  other.call.consult("carol");
  await until(() => core().commands.includes("call carol"));
  held(1);
  core().end(2);
  await until(() => core().commands.includes("setHeld 1 false"));
});

test("who cannot be held does not hear the consultation", async () => {
  const { call } = await talking();
  call.consult("carol");
  await until(() => core().commands.includes("setHeld 1 true"));
  core().say({ type: "holdResult", call: 1, error: errorInfo("INCOMPATIBLE_MEDIA", 488) });
  await until(() => core().commands.includes("setMuted 1 true"));
});

const ASKED = {
  type: "transferRequest", call: 1, target: "sip:carol@example.com", referredBy: { uri: "sip:bob@example.com" }, replaces: false,
} as const;

test("the page is asked, and its call is one of the user agent's", async () => {
  const { ua, call } = await talking();
  const asked = next<TransferRequestEvent>(call, "transferrequest");
  core().say(ASKED);
  const { request } = await asked;
  same([request.target, request.referredBy?.uri, request.replaces], ["sip:carol@example.com", "sip:bob@example.com", false]);
  const followed = request.accept({ headers: [["X-A", "b"]] });
  same([followed.direction, ua.calls.length, request.call === followed], ["outgoing", 2, true]);
  ok(core().commands.includes("acceptTransfer 1"));
  core().change(2, "active", 200);
  same(followed.state, "active");
});

test("a policy decides without the page", async () => {
  const refusing = await talking({ transferPolicy: "refuse" });
  let heard = 0;
  refusing.call.on("transferrequest", () => { heard += 1; });
  core().say(ASKED);
  same([heard, core().commands.at(-1)], [0, "rejectTransfer 1 603"]);

  const accepting = await talking({ transferPolicy: (request) => (request.target.includes("carol") ? "accept" : "refuse") });
  const asked = next<TransferRequestEvent>(accepting.call, "transferrequest");
  core().say(ASKED);
  const { request } = await asked;
  ok(request instanceof TransferRequest && request.call);
  ok(core().commands.includes("acceptTransfer 1"));
});

test("a request is refused by its status, and may be withdrawn", async () => {
  const { call } = await talking();
  call.on("transferrequest", ({ request }) => { request.reject(403); });
  core().say(ASKED);
  same(core().commands.at(-1), "rejectTransfer 1 403");
  const withdrawn = next(call, "transferwithdrawn");
  core().say({ type: "transferWithdrawn", call: 1 });
  await withdrawn;
});

test("a call goes on with who takes the other's place", async () => {
  const { call } = await talking();
  const replaced = next<Event & { previous: { uri: string } }>(call, "replaced");
  core().say({ type: "callReplaced", call: 1, remote: { uri: "sip:carol@example.com", displayName: "Carol" } });
  same((await replaced).previous.uri, "sip:bob@example.com");
  same([call.remote.displayName, call.state], ["Carol", "active"]);
});

/** What is reported while this runs, and does not fail the page. */
function reports(): string[] {
  const messages: string[] = [];
  const hear = (event: ErrorEvent): void => { event.preventDefault(); messages.push(event.message); };
  addEventListener("error", hear);
  cleanup(() => { removeEventListener("error", hear); });
  return messages;
}

test("a wish that cannot be followed is reported, and every call goes on", async () => {
  const { ua, call } = await talking({ transferPolicy: "accept" });
  const command = core().command.bind(core());
  core().command = (each) => {
    if (each.type === "acceptTransfer") throw new Error("No such number.");
    return command(each);
  };
  const reported = reports();
  core().say({ type: "transferRequest", call: 1, target: "tel:A5", replaces: false });
  core().say({ type: "muteChange", call: 1, muted: true });
  same([call.state, call.muted, ua.calls.length, ua.closed], ["active", true, 1, false]);
  ok(reported[0]?.includes("No such number."), reported.join());
});

test("a policy that throws refuses the transfer, and every call goes on", async () => {
  const { call } = await talking({ transferPolicy: () => { throw new Error("no idea"); } });
  const reported = reports();
  core().say({ type: "transferRequest", call: 1, target: "sip:dave@example.com", replaces: false });
  same([call.state, core().commands.at(-1)], ["active", "rejectTransfer 1 603"]);
  ok(reported[0]?.includes("no idea"), reported.join());
});
