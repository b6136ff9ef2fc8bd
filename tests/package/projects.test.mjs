// What customers build with: each project takes the packed package, is built as its tool builds, and calls from the page.

import assert from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { startChromium } from "../harness/browser.mjs";
import { freePort, Program, Stack, until } from "../harness/process.mjs";
import { Relay } from "../harness/relay.mjs";
import { microphoneFile } from "../harness/world.mjs";
import { build, copyPlain, emptied, installInProjects, projects, quiet, served, tool } from "./customer.mjs";

const stack = new Stack();
let installed;
let relay;
let browser;
before(async () => {
  installed = await installInProjects();
  relay = stack.add(await Relay.demo());
  browser = stack.add(await startChromium({ microphone: await microphoneFile() }));
});
after(() => stack.stop());

/** Calls `echo` from the page's button; resolves to the address that the module came from. */
async function call(site) {
  const page = await browser.page("about:blank");
  const wasm = page.raw.waitForResponse((response) => response.url().includes(".wasm"));
  await page.raw.goto(`${site}/?server=${encodeURIComponent(relay.url)}`);
  await page.raw.getByRole("button", { name: "Call us" }).click();
  const response = await wasm;
  assert.equal(response.status(), 200);
  const phase = () => page.evaluate(() => document.querySelector("call-button").phase);
  await until(async () => (await phase()) === "active", { ms: 15_000, what: () => `the call is active\n${page.said.join("\n")}` });
  await page.raw.getByRole("button", { name: "Hang up" }).click();
  await until(async () => (await phase()) === "ended", { what: "the call is over" });
  await relay.isIdle();
  assert.deepEqual(page.said.filter((line) => /^uncaught|hydrat/i.test(line)), []);
  await page.close();
  return new URL(response.url()).pathname;
}

/** The server that `args` start, for as long as `use` takes. */
async function running(name, args, use) {
  const port = await freePort();
  const options = { cwd: path.join(projects, name), env: quiet };
  const program = new Program(`project-${name}-${process.pid}`, process.execPath, [...args, "--port", String(port)], options);
  try {
    await program.line(new RegExp(`:${port}`));
    return await use(`http://127.0.0.1:${port}`);
  } finally {
    await program.stop();
  }
}

test("a page without any tools calls with one script tag", async () => {
  const out = await copyPlain(installed);
  assert.equal(await served(out, call), "/switchhook/wasm/switchhook_core_bg.wasm");
});

test("Vite builds it as it is, and the page calls with Vite's own copy of the module", async () => {
  const out = await emptied("vite");
  await build("vite", tool("vite/bin/vite.js"), "build", "--outDir", out);
  assert.match(await served(out, call), /^\/assets\/switchhook_core_bg-[\w-]+\.wasm$/);
});

test("Vite's development server needs no settings either", async () => {
  const place = await running("vite", [tool("vite/bin/vite.js"), "--host", "127.0.0.1", "--strictPort"], call);
  assert.match(place, /switchhook\/wasm\/switchhook_core_bg\.wasm$/);
});

test("webpack builds it as it is, without a warning, and the page calls with webpack's own copy of the module", async () => {
  const out = await emptied("webpack");
  await build("webpack", "build.mjs", out);
  await copyFile(path.join(projects, "webpack/index.html"), path.join(out, "index.html"));
  assert.match(await served(out, call), /^\/[0-9a-f]{20}\.wasm$/);
});

test("Next renders the element on its server, hydrates it, and the page calls with Next's own copy of the module", async () => {
  await build("next", tool("next/dist/bin/next"), "build");
  const place = await running("next", [tool("next/dist/bin/next"), "start", "--hostname", "127.0.0.1"], async (site) => {
    const html = await (await fetch(`${site}/?server=/sip`)).text();
    assert.match(html, /<call-button to="echo" label="Call us" server="\/sip"/);
    return call(site);
  });
  assert.match(place, /^\/_next\/static\/media\/switchhook_core_bg\.[\w~.-]+\.wasm$/);
});
