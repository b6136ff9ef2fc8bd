// Runs the unit tests in a real Chromium: each *.test.ts is bundled with the fake core and gets a page of its own.
// `node test/run.mjs call` runs the files whose names contain "call". The last line is "N passed, N failed".
import { existsSync, readdirSync } from "node:fs";
import { createServer } from "node:http";
import { basename, join } from "node:path";
import { build } from "esbuild";
import { chromium } from "playwright-core";
import { packageTests } from "./package.mjs";

const here = import.meta.dirname;
const BROWSERS = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];
const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
  "--disable-component-update", "--disable-sync", "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
];
/** The smallest module there is: the loader fetches it, the fake core ignores it. */
const EMPTY_WASM = Buffer.from([0, 0x61, 0x73, 0x6d, 1, 0, 0, 0]);

const fakeCore = {
  name: "fake-core",
  setup({ onResolve }) {
    onResolve({ filter: /wasm\/switchhook_core\.js$/ }, () => ({ path: join(here, "fake-core.ts") }));
  },
};

async function bundle(files) {
  const { outputFiles } = await build({
    entryPoints: files.map((file) => join(here, file)),
    outdir: "/test",
    bundle: true,
    write: false,
    format: "esm",
    target: "es2022",
    sourcemap: "inline",
    plugins: [fakeCore],
  });
  return new Map(outputFiles.map((file) => [`/test/${basename(file.path)}`, file.contents]));
}

function serve(scripts) {
  const server = createServer(({ url }, response) => {
    const path = new URL(url, "http://localhost").pathname;
    const script = scripts.get(path);
    if (script) return response.setHeader("content-type", "text/javascript").end(script);
    if (path.endsWith("_bg.wasm")) return response.setHeader("content-type", "application/wasm").end(EMPTY_WASM);
    if (path !== "/") return response.writeHead(404).end();
    return response.setHeader("content-type", "text/html; charset=utf-8").end("<!doctype html><html lang=en><title>Tests</title><main></main>");
  });
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

async function runFile(browser, origin, path) {
  const page = await browser.newPage();
  const errors = [];
  page.on("pageerror", (error) => errors.push({ name: "the page throws nothing", error: error.stack ?? error.message }));
  await page.goto(origin);
  await page.addScriptTag({ type: "module", url: path });
  const outcomes = await page.evaluate(() => globalThis.runTests());
  await page.close();
  return [...outcomes, ...errors];
}

function report(file, outcomes) {
  console.log(file);
  for (const { name, error } of outcomes) console.log(error ? `  FAILED ${name}\n    ${error.replaceAll("\n", "\n    ")}` : `  ok ${name}`);
  return outcomes.filter(({ error }) => error).length;
}

const wanted = process.argv[2] ?? "";
const files = readdirSync(here).filter((file) => file.endsWith(".test.ts") && file.includes(wanted));
const scripts = await bundle(files);
const server = await serve(scripts);
const origin = `http://localhost:${server.address().port}/`;
const browser = await chromium.launch({ executablePath: BROWSERS.find((path) => path && existsSync(path)), args: FLAGS });
let passed = 0;
let failed = 0;
const count = (file, outcomes) => {
  const bad = report(file, outcomes);
  failed += bad;
  passed += outcomes.length - bad;
};
try {
  for (const file of files) count(file, await runFile(browser, origin, `/test/${file.replace(/\.ts$/, ".js")}`));
  if ("package".includes(wanted)) count("package.mjs", await packageTests());
} finally {
  await browser.close();
  server.close();
}
console.log(`${passed} passed, ${failed} failed`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
