// Builds dist/, which any static server can serve: two pages, their scripts and style in assets/, the wasm in wasm/.
//
// The package looks for its wasm in ../wasm/ beside the folder of its scripts, so copying it there is all it needs.
import { cpSync, mkdirSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { basename, join } from "node:path";
import { build } from "esbuild";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
const wasm = createRequire(import.meta.url).resolve("switchhook/wasm");

rmSync(dist, { recursive: true, force: true });
mkdirSync(join(dist, "wasm"), { recursive: true });
cpSync(wasm, join(dist, "wasm", basename(wasm)));
for (const page of ["index.html", "softphone.html"]) cpSync(join(root, "src", page), join(dist, page));

await build({
  entryPoints: ["shop.ts", "softphone.ts", "site.css"].map((file) => join(root, "src", file)),
  outdir: join(dist, "assets"),
  bundle: true,
  minify: true,
  splitting: true,
  format: "esm",
  target: ["es2022"],
  charset: "utf8",
  sourcemap: true,
  logLevel: "warning",
});
