// The Content-Security-Policy of docs/recipes.md, as a real header: it is enough, and each part of it is needed.

import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { startChromium } from "../harness/browser.mjs";
import { root } from "../harness/paths.mjs";
import { Stack, until } from "../harness/process.mjs";
import { Relay } from "../harness/relay.mjs";
import { startSite } from "../harness/site.mjs";
import { microphoneFile } from "../harness/world.mjs";
import { copyPlain, installInProjects } from "./customer.mjs";

const stack = new Stack();
let folder;
let policy;
let relay;
let browser;
before(async () => {
  folder = await copyPlain(await installInProjects());
  relay = stack.add(await Relay.demo());
  browser = stack.add(await startChromium({ microphone: await microphoneFile() }));
  const recipes = await readFile(path.join(root, "docs/recipes.md"), "utf8");
  policy = /^Content-Security-Policy: (.*)$/m.exec(recipes)[1].replace("wss://relay.example.com", `ws://${relay.host}`);
});
after(() => stack.stop());

/** Calls from a page with this policy; resolves to the state of its button once that is one of `phases`. */
async function call(header, phases) {
  const site = await startSite({ "/": folder }, { "content-security-policy": header });
  const page = await browser.page("about:blank");
  try {
    await page.raw.addInitScript(() => {
      window.blocked = [];
      document.addEventListener("securitypolicyviolation", ({ violatedDirective, blockedURI }) => window.blocked.push(`${violatedDirective} ${blockedURI}`));
      document.addEventListener("callerror", ({ error }) => { window.code = error.code; });
    });
    await page.raw.goto(`${site.url}/?server=${encodeURIComponent(relay.url)}`);
    await page.raw.getByRole("button", { name: "Call us" }).click();
    const state = () => page.evaluate(() => ({ phase: document.querySelector("call-button").phase, blocked: window.blocked, code: window.code }));
    await until(async () => phases.includes((await state()).phase), { ms: 15_000, what: () => `the button is ${phases}\n${page.said.join("\n")}` });
    return await state();
  } finally {
    await page.close();
    await site.stop();
  }
}

test("with the documented policy the page calls, and the browser blocks nothing", async () => {
  const { phase, blocked } = await call(policy, ["active", "error"]);
  assert.deepEqual({ phase, blocked }, { phase: "active", blocked: [] });
});

test("without 'wasm-unsafe-eval' the call fails and says so", async () => {
  const { code } = await call(policy.replace(" 'wasm-unsafe-eval'", ""), ["active", "error"]);
  assert.equal(code, "WASM_BLOCKED");
});

test("without the relay in connect-src the relay cannot be reached", async () => {
  const { code, blocked } = await call(policy.replace(` ws://${relay.host}`, ""), ["active", "error"]);
  assert.equal(code, "CONNECTION_REFUSED");
  assert.ok(blocked.some((line) => line.startsWith("connect-src ws://")), blocked.join());
});
