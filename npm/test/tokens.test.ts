/** Calls with tokens: where each comes from, and what is told when there is none. */
import { type SipError, type TokenSource, UserAgent } from "../src/index.js";
import { core, fake } from "./fake-core.js";
import { cleanup, ok, rejection, same, test, until } from "./harness.js";

/** Answers `fetch` with these, in order; what was asked for is written down. */
function answers(...responses: (Response | Error)[]): { url: string; body: unknown }[] {
  const asked: { url: string; body: unknown }[] = [];
  const real = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    if (init?.method !== "POST") return real(input, init);
    asked.push({ url: String(input instanceof Request ? input.url : input), body: JSON.parse(init.body as string) });
    const response = responses.shift() ?? new Response(null, { status: 500 });
    return response instanceof Error ? Promise.reject(response) : Promise.resolve(response);
  };
  cleanup(() => { globalThis.fetch = real; });
  return asked;
}

function visitor(token: TokenSource, server = "wss://relay.example.com/sip"): UserAgent {
  fake.core = undefined;
  const ua = new UserAgent({ server, token });
  cleanup(() => { void ua.close(); });
  return ua;
}

async function shown(): Promise<string | undefined> {
  await until(() => fake.core?.commands.some((command) => command.startsWith("call")));
  return core().lastOptions.headers?.find(([name]) => name === "Authorization")?.[1];
}

test("a token that the page has goes out with the call, and nothing registers", async () => {
  visitor("abc").call("support");
  same(await shown(), "Bearer abc");
  ok(!core().commands.includes("register"));
});

test("a back end is asked for each call and told whom it is for", async () => {
  const asked: string[] = [];
  const ua = visitor((target) => { asked.push(target); return Promise.resolve(`token-${String(asked.length)}`); });
  ua.call("support");
  same(await shown(), "Bearer token-1");
  const first = core().commands.length;
  ua.call("sales", { headers: [["X-Page", "7"]] });
  await until(() => core().commands.length > first);
  same([await shown(), asked], ["Bearer token-2", ["support", "sales"]]);
  same(core().lastOptions.headers?.[0], ["X-Page", "7"]);
});

test("the relay makes one for a site key, beside its WebSocket unless another address is named", async () => {
  const asked = answers(Response.json({ token: "made" }), Response.json({ token: "again" }));
  visitor({ siteKey: "pk_shop" }).call("support");
  same(await shown(), "Bearer made");
  visitor({ siteKey: "pk_shop", url: "https://tokens.example.com/t" }).call("support");
  same(await shown(), "Bearer again");
  const body = { siteKey: "pk_shop", callee: "support" };
  same(asked, [{ url: "https://relay.example.com/api/tokens", body }, { url: "https://tokens.example.com/t", body }]);
});

test("a site's own back end is asked the same way, and told no key where there is none", async () => {
  const asked = answers(Response.json({ token: "made" }));
  visitor({ url: "/call-token" }).call("support");
  same(await shown(), "Bearer made");
  same(asked, [{ url: "/call-token", body: { callee: "support" } }]);
});

test("a refused token ends the call with the reason and what to do", async () => {
  for (const [status, code, retryable] of [[403, "FORBIDDEN", false], [429, "SERVER_ERROR", true]] as const) {
    answers(Response.json({ error: "x", message: "Token Of Another Origin" }, { status }));
    const call = visitor({ siteKey: "pk_shop" }).call("support");
    const error = (await rejection(call.answered)) as SipError;
    same([error.code, error.status, error.retryable], [code, status, retryable]);
    ok(error.message.includes("Token Of Another Origin"));
    await call.ended;
  }
  ok(!core().commands.some((command) => command.startsWith("call")));
});

test("a relay that cannot be asked is named", async () => {
  answers(new TypeError("Failed to fetch"));
  const error = (await rejection(visitor({ siteKey: "pk_shop" }).call("support").answered)) as SipError;
  same([error.code, error.retryable], ["SERVER_ERROR", true]);
  ok(error.message.includes("https://relay.example.com/api/tokens"));
});

test("a call that ends before its token comes is not made", async () => {
  let give: (token: string) => void = () => undefined;
  const call = visitor(() => new Promise((resolve) => { give = resolve; })).call("support");
  await until(() => fake.core);
  call.hangUp();
  give("late");
  await call.ended;
  await new Promise((resolve) => { setTimeout(resolve); });
  ok(!core().commands.some((command) => command.startsWith("call")));
});
