// Kamailio's stage: registrar and proxy between two browsers, with or without our relay before it.

import { Relay } from "../../harness/relay.mjs";
import { World } from "../../harness/world.mjs";
import { OtherBrowser } from "../other-browser.mjs";
import { Scene } from "../scene.mjs";
import { account, Kamailio } from "./kamailio.mjs";

const accounts = { far: account("bob"), third: account("carol"), account };

/** `direct`: on Kamailio's own WebSocket. */
export async function betweenBrowsers({ direct = false } = {}) {
  return World.with({ relay: false }, async (world) => {
    const kamailio = world.add(await Kamailio.start());
    const relay = direct ? undefined : world.add(await Relay.before(kamailio.address));
    return new Scene(world, {
      server: relay ?? kamailio,
      relay,
      account: account("alice"),
      far: (open) => new OtherBrowser(open, accounts, { patient: "sip:patient@pbx.test" }),
      // Without a relay both browsers must learn each other's addresses before the offer leaves.
      nearOptions: direct ? { gatheringTimeout: 2_000 } : {},
      versions: { Kamailio: kamailio.version },
    });
  });
}

export const cannot = { lamp: "Kamailio keeps no voice mail" };
