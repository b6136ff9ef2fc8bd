// The SIP stacks for browsers that others made, as pages load them: neither comes with a file for browsers, and any
// bundler makes one.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";
import { cache, tests } from "./paths.mjs";

const STACKS = {
  jssip: { name: "JsSIP", package: "jssip", entry: "lib/JsSIP.js" },
  sipjs: { name: "SIP.js", package: "sip.js", entry: "lib/index.js" },
};

/** Makes what pages load as `/bundle/jssip.js` or `/bundle/sipjs.js`. */
export function bundle(stack) {
  return build({
    entryPoints: [path.join(tests, "node_modules", STACKS[stack].package, STACKS[stack].entry)],
    outfile: path.join(cache, `bundle/${stack}.js`),
    bundle: true,
    format: "esm",
    define: { global: "globalThis" },
    logLevel: "error",
  });
}

export async function versionOf(stack) {
  const text = await readFile(path.join(tests, "node_modules", STACKS[stack].package, "package.json"), "utf8");
  return { [STACKS[stack].name]: JSON.parse(text).version };
}
