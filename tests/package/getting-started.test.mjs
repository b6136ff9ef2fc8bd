// docs/getting-started.md, done as it is written: its commands are run and its files are used, but for those that fetch
// what the tests have already (the checkout, Vite).

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { appendFile, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { startChromium } from "../harness/browser.mjs";
import { root } from "../harness/paths.mjs";
import { freePort, Program, Stack, until } from "../harness/process.mjs";
import { Relay } from "../harness/relay.mjs";
import { microphoneFile } from "../harness/world.mjs";
import { tool, unpack } from "./customer.mjs";

const run = promisify(execFile);
const stack = new Stack();
let folder;
let relay;
let browser;
let steps;
before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "switchhook-new-user-"));
  stack.add({ stop: () => rm(folder, { recursive: true, force: true }) });
  await symlink(root, path.join(folder, "switchhook"));
  // The demo's own answer to pages from other ports is part of what is tried.
  relay = stack.add(await Relay.demo({ "web.origins": "localhost" }));
  browser = stack.add(await startChromium({ microphone: await microphoneFile() }));
  steps = sections(await readFile(path.join(root, "docs/getting-started.md"), "utf8"));
});
after(() => stack.stop());

/** The code of each section by its number, in order, with the demo's address where this test has it. */
function sections(text) {
  const code = (section) => [...section.matchAll(/```(\w+)\n(.*?)```/gs)].map(([, language, body]) => ({ language, body: body.replaceAll("ws://localhost:8080/sip", relay.url) }));
  return text.split(/^## \d\. /m).map(code);
}

function shell(command) {
  // The package was built by the suite before this one.
  return run("bash", ["-euc", command], { cwd: folder, env: { ...process.env, npm_config_ignore_scripts: "true" } });
}

/** Starts a server. No shell and no npm stand between, so that it ends with this test. */
function serve(name, command, args, cwd) {
  return stack.add(new Program(`new-user-${name}-${process.pid}`, command, args, { cwd }));
}

async function callsEcho(url) {
  const page = await browser.page(url);
  await page.raw.getByRole("button", { name: "Call us" }).click();
  const phase = () => page.evaluate(() => document.querySelector("call-button").phase);
  await until(async () => (await phase()) === "active", { ms: 15_000, what: () => `the call is active\n${page.said.join("\n")}` });
  await page.raw.getByText(/^0:0\d$/).first().waitFor();
  await page.raw.getByRole("button", { name: "Hang up" }).click();
  await relay.isIdle();
  assert.deepEqual(page.uncaught(), []);
  await page.close();
}

test("the bare HTML file calls", async () => {
  const [pack, html, server] = steps[2];
  assert.deepEqual([pack, html, server].map(({ language }) => language), ["sh", "html", "sh"]);
  await shell(pack.body);
  await writeFile(path.join(folder, "hello/index.html"), html.body);
  const port = await freePort();
  const [command, ...args] = server.body.trim().split(" ");
  assert.equal(args.pop(), "5000");
  serve("plain", command, [...args, String(port)], folder);
  await until(() => fetch(`http://localhost:${port}/`).then(({ ok }) => ok, () => false), { what: "the page is served" });
  await callsEcho(`http://localhost:${port}/`);
});

test("the fresh Vite project calls", async () => {
  const [create, script, dev] = steps[3];
  assert.deepEqual([create, script, dev].map(({ language }) => language), ["sh", "js", "sh"]);
  const [made, entered, installed] = create.body.trim().split("\n");
  assert.deepEqual([made.split(" -- ")[0], entered, installed], ["npm create vite@latest shop", "cd shop", "npm install ../hello/switchhook-*.tgz"]);
  await run(process.execPath, [tool("create-vite/index.js"), "shop", "--no-interactive", ...made.split(" -- ")[1].split(" ")], { cwd: folder });
  const shop = path.join(folder, "shop");
  await unpack(path.join(folder, "hello", (await readdir(path.join(folder, "hello"))).find((name) => name.endsWith(".tgz"))), path.join(shop, "node_modules/switchhook"));
  await symlink(tool("vite"), path.join(shop, "node_modules/vite"));
  await appendFile(path.join(shop, "src/main.js"), `\n${script.body}`);
  assert.equal(dev.body.trim(), "npm run dev");
  const { scripts } = JSON.parse(await readFile(path.join(shop, "package.json"), "utf8"));
  assert.equal(scripts.dev, "vite");
  const server = serve("vite", process.execPath, [tool("vite/bin/vite.js"), "--port", String(await freePort()), "--strictPort"], shop);
  const [, url] = await server.line(/(http:\/\/localhost:\d+\/)/);
  await callsEcho(url);
});
