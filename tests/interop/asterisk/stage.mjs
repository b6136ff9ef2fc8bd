// Asterisk's stage: with or without our relay before it, and with one browser stack or another on it.

import { readFile } from "node:fs/promises";
import path from "node:path";
import { build } from "esbuild";
import { cache, tests } from "../../harness/paths.mjs";
import { Relay } from "../../harness/relay.mjs";
import { World } from "../../harness/world.mjs";
import { Scene } from "../scene.mjs";
import { account, Asterisk } from "./asterisk.mjs";
import { Desk } from "./desk.mjs";

/** `direct`: on Asterisk's own WebSocket. `stack`: sdk, jssip or sipjs. */
export async function beforeAsterisk(name, { direct = false, stack = "sdk" } = {}) {
  if (stack !== "sdk") await bundle(stack);
  return World.with({ relay: false }, async (world) => {
    const asterisk = world.add(await Asterisk.start(name));
    const relay = direct ? undefined : world.add(await Relay.before(asterisk.address));
    const user = direct ? "web-alice" : "alice";
    return new Scene(world, {
      stack,
      server: relay ?? asterisk,
      relay,
      account: account(user),
      far: new Desk(asterisk, user),
      // Without a relay the browser must know its own addresses before the offer leaves.
      nearOptions: direct ? { gatheringTimeout: 2_000 } : {},
      versions: { Asterisk: asterisk.version.replace("Asterisk ", ""), ...(stack === "sdk" ? {} : await versionOf(stack)) },
    });
  });
}

const STACKS = { jssip: { name: "JsSIP", package: "jssip", entry: "lib/JsSIP.js" }, sipjs: { name: "SIP.js", package: "sip.js", entry: "lib/index.js" } };

/** Neither comes with a file for browsers; any bundler makes one. */
async function bundle(stack) {
  await build({
    entryPoints: [path.join(tests, "node_modules", STACKS[stack].package, STACKS[stack].entry)],
    outfile: path.join(cache, `bundle/${stack}.js`),
    bundle: true,
    format: "esm",
    define: { global: "globalThis" },
    logLevel: "error",
  });
}

async function versionOf(stack) {
  const text = await readFile(path.join(tests, "node_modules", STACKS[stack].package, "package.json"), "utf8");
  return { [STACKS[stack].name]: JSON.parse(text).version };
}
