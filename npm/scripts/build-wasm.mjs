// Builds client-wasm into npm/wasm as wasm-pack.toml says, and fails when the result is over its size budget.
//
// `node scripts/build-wasm.mjs` does nothing when the sources are those of the last build; `--force` builds anyway.

import { spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { homedir } from "node:os";
import path from "node:path";
import process from "node:process";
import { fileURLToPath } from "node:url";
import { brotliCompressSync, constants, gzipSync } from "node:zlib";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "../..");
const settings = readSettings(path.join(root, "wasm-pack.toml"));
const out = path.join(root, settings["out-dir"]);
const module = path.join(out, `${settings["out-name"]}_bg.wasm`);
const glue = path.join(out, `${settings["out-name"]}.js`);
const stamp = path.join(out, ".built-from");
/** Where the sources of our dependencies lie: a path that nobody else is to read. */
const cargoHome = process.env.CARGO_HOME ?? path.join(homedir(), ".cargo");
const UNSTABLE = { RUSTC_BOOTSTRAP: "1" };

await main();

async function main() {
  const sources = fingerprint();
  if (!process.argv.includes("--force") && isBuiltFrom(sources)) {
    console.log(`wasm: ${path.relative(root, module)} is up to date`);
  } else {
    await build();
    writeFileSync(stamp, sources);
  }
  report();
}

/** The lines `key = value` of a TOML file whose values are strings, whole numbers and lists of strings. */
function readSettings(file) {
  const text = readFileSync(file, "utf8").replaceAll(/^\s*#.*$/gm, "");
  const entries = text.matchAll(/^([\w-]+)\s*=\s*(\[[^\]]*\]|.*)$/gm);
  const strings = (value) => [...value.matchAll(/"([^"]*)"|'([^']*)'/g)].map(([, double, single]) => double ?? single);
  const read = (value) => (value.startsWith("[") ? strings(value) : (strings(value)[0] ?? Number(value.replaceAll("_", ""))));
  return Object.fromEntries([...entries].map(([, key, value]) => [key, read(value.trim())]));
}

/** One hash over everything that decides what the module is. */
function fingerprint() {
  const inputs = ["Cargo.toml", "Cargo.lock", "wasm-pack.toml", "npm/scripts/build-wasm.mjs", "npm/scripts/shrink-wasm.mjs", "sip-core/Cargo.toml", "sip-core/src", settings.crate];
  const hash = createHash("sha256");
  for (const file of inputs.flatMap((input) => files(path.join(root, input)))) {
    hash.update(path.relative(root, file)).update("\0").update(readFileSync(file)).update("\0");
  }
  return hash.update(String(canBuildStd())).digest("hex");
}

function files(place) {
  if (!existsSync(place)) return [];
  if (!statSync(place).isDirectory()) return [place];
  return readdirSync(place).sort().flatMap((name) => files(path.join(place, name)));
}

function isBuiltFrom(sources) {
  return [module, glue, stamp].every((file) => existsSync(file)) && readFileSync(stamp, "utf8") === sources;
}

async function build() {
  const tools = await findTools();
  const std = canBuildStd();
  if (!std) console.log("wasm: `rustup component add rust-src` makes the module smaller");
  rmSync(stamp, { force: true });
  run(tools.wasmPack, [
    "build", path.join(root, settings.crate),
    "--target", settings.target,
    "--out-dir", out,
    "--out-name", settings["out-name"],
    "--profile", settings.profile,
    "--mode", "no-install", "--no-pack", "--no-gitignore", "--no-opt",
    ...(std ? ["--", ...settings["build-std"]] : []),
  ], std);
  // Loaded only now, because the tools' absence has its own sentence.
  const { nameBySimilarity, shortenImports, trapIn } = await import("./shrink-wasm.mjs");
  const trapped = trapIn(readFileSync(module), settings["trap-in"]);
  console.log(`wasm: ${trapped.found} functions of panics trap at once`);
  writeFileSync(module, trapped.bytes);
  run(tools.wasmOpt, [...settings["wasm-opt"], module, "--output", module]);
  writeFileSync(module, nameBySimilarity(readFileSync(module)));
  run(tools.wasmOpt, [...settings["wasm-opt-order"], module, "--output", module]);
  const minified = tools.minify(readFileSync(glue, "utf8"), { minify: true, format: "esm", target: "es2022" }).code;
  const short = shortenImports(readFileSync(module), minified);
  writeFileSync(module, short.bytes);
  writeFileSync(glue, short.glue);
}

/** Where the tools are, or how to get those that are missing. */
async function findTools() {
  const locked = /name = "wasm-bindgen"\nversion = "([^"]+)"/.exec(readFileSync(path.join(root, "Cargo.lock"), "utf8"))?.[1];
  const wasmOpt = path.join(root, "npm/node_modules/.bin/wasm-opt");
  const missing = [];
  if (!answers("wasm-pack", ["--version"])) missing.push("wasm-pack:     cargo install --locked wasm-pack");
  if (answers("wasm-bindgen", ["--version"]) !== `wasm-bindgen ${locked}`) {
    missing.push(`wasm-bindgen:  cargo install --locked wasm-bindgen-cli@${locked}   (the version in Cargo.lock)`);
  }
  if (!existsSync(path.join(answers("rustc", ["--print", "sysroot"]) ?? "", "lib/rustlib/wasm32-unknown-unknown"))) {
    missing.push("wasm32 target: rustup target add wasm32-unknown-unknown");
  }
  const minify = await import("esbuild").then((esbuild) => esbuild.transformSync, () => undefined);
  if (!answers(wasmOpt, ["--version"]) || !minify) missing.push("wasm-opt and esbuild: npm ci --prefix npm");
  if (missing.length > 0) {
    console.error(["wasm: these are missing; this installs them:", ...missing].join("\n  "));
    process.exit(1);
  }
  return { wasmPack: "wasm-pack", wasmOpt, minify };
}

/** Whether std's sources are installed, and the compiler knows the flags that they are to be compiled with. */
function canBuildStd() {
  const sources = path.join(answers("rustc", ["--print", "sysroot"]) ?? "", "lib/rustlib/src/rust/library/Cargo.lock");
  const flags = [...settings["build-std-rustflags"], "--target", "wasm32-unknown-unknown", "--print", "cfg"];
  return existsSync(sources) && answers("rustc", flags, UNSTABLE) !== undefined;
}

function answers(command, args, env = {}) {
  const { status, stdout } = spawnSync(command, args, { cwd: root, encoding: "utf8", env: { ...process.env, ...env } });
  return status === 0 ? stdout.trim() : undefined;
}

function run(command, args, std = false) {
  const flags = [...settings.rustflags, `--remap-path-prefix=${cargoHome}=cargo`, ...(std ? settings["build-std-rustflags"] : [])];
  // Encoded, because a path may have a space.
  const env = { ...process.env, ...(std ? UNSTABLE : {}), CARGO_ENCODED_RUSTFLAGS: flags.join("\x1f") };
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: "inherit", env });
  if (status !== 0) {
    console.error(`wasm: ${path.basename(command)} failed${error ? `: ${error.message}` : ""}`);
    process.exit(1);
  }
}

/** Prints the sizes; over the budget is a failure, also when nothing had to be built. */
function report() {
  const rows = [module, glue].map((file) => [path.basename(file), ...sizes(readFileSync(file))]);
  const sum = ["together", ...[1, 2, 3].map((column) => rows.reduce((total, row) => total + row[column], 0))];
  console.table(Object.fromEntries([...rows, sum].map(([name, raw, gzip, brotli]) => [name, { raw, gzip, brotli }])));
  const brotli = sum[3];
  const budget = settings[canBuildStd() ? "budget" : "budget-with-plain-std"];
  if (brotli > budget) {
    console.error(`wasm: ${brotli} bytes (brotli) are over the budget of ${budget} in wasm-pack.toml`);
    process.exit(1);
  }
}

function sizes(bytes) {
  const quality = { params: { [constants.BROTLI_PARAM_QUALITY]: constants.BROTLI_MAX_QUALITY } };
  return [bytes.length, gzipSync(bytes, { level: 9 }).length, brotliCompressSync(bytes, quality).length];
}
