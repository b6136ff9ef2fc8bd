// Cargo's runner for wasm32-wasip1: runs one test binary in Node's WASI, with its arguments.

import { readFile } from "node:fs/promises";
import { WASI } from "node:wasi";

const [binary, ...args] = process.argv.slice(2);
const wasi = new WASI({
  version: "preview1",
  args: [binary, ...args],
  env: { RUST_BACKTRACE: "0" },
  // Tests read their tables by absolute path or from the crate's folder.
  preopens: { [process.cwd()]: process.cwd(), ".": process.cwd() },
  returnOnExit: true,
});
const module = await WebAssembly.compile(await readFile(binary));
const instance = await WebAssembly.instantiate(module, wasi.getImportObject());
process.exitCode = wasi.start(instance);
