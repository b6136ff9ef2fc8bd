// The components for React and Vue, which are written from the elements' manifest, in pages and on a server.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { startChromium } from "../harness/browser.mjs";
import { Stack } from "../harness/process.mjs";
import { Relay } from "../harness/relay.mjs";
import { microphoneFile } from "../harness/world.mjs";
import { build, emptied, installInProjects, projects, served, tool } from "./customer.mjs";

const run = promisify(execFile);
const stack = new Stack();
let relay;
let browser;
before(async () => {
  await installInProjects();
  relay = stack.add(await Relay.demo());
  browser = stack.add(await startChromium({ microphone: await microphoneFile() }));
});
after(() => stack.stop());

/** What the page has written down once the call began, and once it is over. */
const STARTED = "asked for echo; started: outgoing";
const ENDED = `${STARTED}; ended after 2 events by local`;

async function callAndHangUp(site) {
  const page = await browser.page(`${site}/?server=${encodeURIComponent(relay.url)}`);
  const button = page.raw.locator("call-button.call");
  const notes = (text) => page.raw.locator("output", { hasText: new RegExp(`^${text}$`) }).waitFor();
  await page.raw.getByRole("button", { name: "Call us" }).click();
  await notes(STARTED);
  assert.equal(await button.getAttribute("display-name"), "Alice");
  assert.equal(await button.getAttribute("password"), null);
  await page.raw.getByRole("button", { name: "Enough" }).click();
  await notes(ENDED);
  await relay.isIdle();
  assert.deepEqual(page.uncaught(), []);
  await page.close();
}

for (const [name, title] of [["react", "React"], ["vue", "Vue"]]) {
  test(`${title}: props reach the element, events the handlers of the last rendering, and the ref its methods`, async () => {
    const out = await emptied(name);
    await build(name, tool("vite/bin/vite.js"), "build", "--outDir", out);
    await served(out, callAndHangUp);
  });
}

test("the props and events have types, and a wrong prop is a mistake", async () => {
  const { stdout } = await run(process.execPath, [tool("typescript/bin/tsc"), "--project", projects]).catch((error) => error);
  assert.equal(stdout, "");
});

test("a server renders attributes and text, and writes no password down", async () => {
  const { stdout } = await run(process.execPath, [path.join(projects, "server.mjs")]);
  const { react, vue, phone } = JSON.parse(stdout);
  assert.equal(react, '<call-button server="/sip" to="sales" display-name="A visitor">Call us</call-button>');
  assert.equal(vue, '<call-button server="/sip" to="sales" display-name="A visitor">Call us</call-button>');
  assert.equal(phone, '<web-phone uri="sip:alice@example.com"></web-phone>');
});
