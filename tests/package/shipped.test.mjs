// The package as its users get it: packed, installed somewhere else, imported on a server and bundled for a page.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import os from "node:os";
import path from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";
import { build } from "esbuild";
import { root } from "../harness/paths.mjs";
import { pack } from "./customer.mjs";

const run = promisify(execFile);
let folder;
let packed;
before(async () => {
  folder = await mkdtemp(path.join(os.tmpdir(), "switchhook-package-"));
  packed = await pack(folder);
  await writeFile(path.join(folder, "package.json"), JSON.stringify({ name: "customer", private: true, type: "module" }));
  await run("npm", ["install", "--no-audit", "--no-fund", "--offline", `./${packed.filename}`], { cwd: folder });
});
after(() => rm(folder, { recursive: true, force: true }));

const installed = () => path.join(folder, "node_modules/switchhook");
const manifest = async () => JSON.parse(await readFile(path.join(installed(), "package.json"), "utf8"));

test("every path of the exports map is in the package", async () => {
  const { exports } = await manifest();
  const files = new Set(packed.files.map((file) => `./${file.path}`));
  const missing = Object.values(exports).flatMap((target) => (typeof target === "string" ? [target] : Object.values(target))).filter((file) => !files.has(file));
  assert.deepEqual(missing, []);
});

test("nothing is installed besides it", async () => {
  const { dependencies = {} } = await manifest();
  assert.deepEqual(dependencies, {});
});

test("it can be imported on a server, where there is no window", async () => {
  const { exports } = await manifest();
  // These two stand on what their users have installed; see components.test.mjs.
  const scripts = Object.entries(exports).filter(([name, target]) => target.default?.endsWith(".js") && !/react|vue/.test(name));
  const code = scripts.map(([name]) => `await import("switchhook${name.slice(1)}");`).join("\n");
  await writeFile(path.join(folder, "server.mjs"), `${code}\nconsole.log("imported");\n`);
  const { stdout } = await run(process.execPath, ["server.mjs"], { cwd: folder });
  assert.equal(stdout.trim(), "imported");
});

test("a bundler takes it as it is", async () => {
  await writeFile(path.join(folder, "app.mjs"), 'import { UserAgent } from "switchhook";\nwindow.phone = new UserAgent({ server: "/sip" });\n');
  const result = await build({
    entryPoints: [path.join(folder, "app.mjs")],
    outdir: path.join(folder, "out"),
    bundle: true,
    splitting: true,
    format: "esm",
    loader: { ".wasm": "file" },
    logLevel: "silent",
    write: false,
  });
  assert.deepEqual([...result.errors, ...result.warnings].map(({ text }) => text), []);
});

test("the wasm module asks its host for nothing but its own glue", async () => {
  const bytes = await readFile(path.join(installed(), "wasm/switchhook_core_bg.wasm"));
  const modules = new Set(WebAssembly.Module.imports(new WebAssembly.Module(bytes)).map(({ module }) => module));
  assert.ok(!modules.has("env"), "an import from env is a C library's or a clock's that nobody provides");
  for (const name of modules) assert.match(name, /switchhook_core|wbg/, name);
});

test("the wasm module does not say where it was built", async () => {
  const bytes = await readFile(path.join(installed(), "wasm/switchhook_core_bg.wasm"));
  const text = bytes.toString("latin1");
  for (const place of [root, os.homedir(), `${os.tmpdir()}/`, "/root/", "/home/", "/Users/", "\\Users\\"]) {
    assert.ok(!text.includes(place), place);
  }
});
