// Asterisk's stage: with or without our relay before it, and with one browser stack or another on it.

import { Relay } from "../../harness/relay.mjs";
import { bundle, versionOf } from "../../harness/stacks.mjs";
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
