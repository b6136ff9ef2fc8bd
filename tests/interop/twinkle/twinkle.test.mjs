// Twinkle behind Kamailio, behind our relay: the list of cases.

import { Relay } from "../../harness/relay.mjs";
import { World } from "../../harness/world.mjs";
import { account, Kamailio } from "../kamailio/kamailio.mjs";
import { profile } from "../profile.mjs";
import { Scene } from "../scene.mjs";
import { Softphone } from "./softphone.mjs";
import { Twinkle } from "./twinkle.mjs";

const phone = "a phone has no registrar";

profile({
  id: "twinkle",
  title: "Twinkle",
  file: "twinkle/twinkle.test.mjs",
  about: "our SDK through our relay and Kamailio; the far side is Twinkle",
  start: () => World.with({ relay: false }, async (world) => {
    const kamailio = world.add(await Kamailio.start());
    const relay = world.add(await Relay.before(kamailio.address));
    const far = await Softphone.start(kamailio);
    return new Scene(world, { server: relay, relay, account: account("alice"), far, versions: { Twinkle: Twinkle.version, Kamailio: kamailio.version } });
  }),
  cannot: {
    register: phone,
    "wrong-password": phone,
    "digits-in-info-dtmf": "Twinkle sends INFO as dtmf-relay only",
    "attended-far":
      "Twinkle 1.10 stops for good in the middle of it: before the REFER where the third knows no Replaces, and where the third is a Twinkle as well, that one stops when the browser's INVITE takes its call's place",
    lamp: "a phone keeps no voice mail",
    presence: "a phone keeps nobody's presence; see Kamailio",
    "busy-lamp": "a phone keeps nobody's presence; see Kamailio",
    refresh: "Twinkle has no session timers",
    "delayed-in": "Twinkle always offers",
  },
});
