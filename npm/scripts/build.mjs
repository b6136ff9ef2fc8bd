// Builds dist/: the modules (tsc), and the two files for script tags (esbuild). Says how big they are and fails above
// the budget. The wasm is built before, by build-wasm.mjs.
//
//   dist/switchhook.js    everything in one file: the SDK's names, and both elements registered
//   dist/call-button.js   only <call-button>; it fetches switchhook.js when somebody means to call
//   dist/*.json           the elements' manifest, and the hashes of the two (manifest.mjs)
//   dist/react, dist/vue  the elements as components, by the manifest (wrappers.mjs)
import { execFileSync } from "node:child_process";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { build } from "esbuild";
import { writeManifests } from "./manifest.mjs";
import { writeWrappers } from "./wrappers.mjs";

const root = join(import.meta.dirname, "..");
const dist = join(root, "dist");
/** Brotli bytes of what a page with a button loads before anybody touches it. */
const LOADER_BUDGET = 6 * 1024;

rmSync(dist, { recursive: true, force: true });
execFileSync(process.execPath, [join(root, "node_modules/typescript/bin/tsc"), "-p", root], { stdio: "inherit" });

const shared = { bundle: true, minify: true, format: "esm", target: ["es2022"], sourcemap: true, legalComments: "none", charset: "utf8", outdir: dist, logLevel: "warning" };

/** In the button's bundle, the SDK stays outside: it is switchhook.js. */
const sdkOutside = {
  name: "sdk-outside",
  setup({ onResolve }) {
    onResolve({ filter: /\.\.\/index\.js$/ }, ({ kind }) => (kind === "dynamic-import" ? { path: "./switchhook.js", external: true } : null));
  },
};

/** esbuild minifies no CSS inside a template; line breaks and comments are most of it. */
const shortStyles = {
  name: "short-styles",
  setup({ onLoad }) {
    onLoad({ filter: /\.styles\.js$/ }, ({ path }) => ({
      contents: readFileSync(path, "utf8").replace(/\/\*.*?\*\//gs, "").replace(/([{};,])\s*\n\s*/g, "$1"),
      loader: "js",
    }));
  },
};

await build({ ...shared, entryPoints: { switchhook: join(root, "scripts/switchhook.entry.js") }, plugins: [shortStyles] });
await build({
  ...shared,
  entryPoints: { "call-button": join(dist, "element/define-call-button.js") },
  splitting: true,
  chunkNames: "languages/[name]-[hash]",
  plugins: [sdkOutside, shortStyles],
});

writeManifests(root);
writeWrappers(root);
report("switchhook.js");
report("call-button.js", LOADER_BUDGET);

function report(file, budget = Infinity) {
  const bytes = readFileSync(join(dist, file));
  const brotli = brotliCompressSync(bytes).length;
  console.log(`${file}: ${bytes.length} B, gzip ${gzipSync(bytes).length} B, brotli ${brotli} B`);
  if (brotli > budget) throw new Error(`${file} is above its budget of ${budget} B brotli`);
}
