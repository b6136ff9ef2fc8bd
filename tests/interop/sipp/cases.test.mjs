// SIPp as a phone at Kamailio, behind our relay: the list of cases.

import { Relay } from "../../harness/relay.mjs";
import { World } from "../../harness/world.mjs";
import { account } from "../kamailio/kamailio.mjs";
import { profile } from "../profile.mjs";
import { Scene } from "../scene.mjs";
import { Scripted } from "./phone.mjs";
import { Sipp } from "./sipp.mjs";

const phone = "a phone has no registrar";

profile({
  id: "sipp",
  title: "SIPp",
  file: "sipp/cases.test.mjs",
  about: "our SDK through our relay and Kamailio; the far side is SIPp with a scenario for each case, whose verdict counts",
  start: () => World.with({ relay: false }, async (world) => {
    const far = await Scripted.start();
    const relay = world.add(await Relay.before(far.kamailio.address));
    return new Scene(world, { server: relay, relay, account: account("alice"), far, versions: { SIPp: Sipp.version } });
  }),
  cannot: {
    register: phone,
    "wrong-password": phone,
    "attended-near": "a scenario has one call",
    "attended-far": "a scenario has one call",
    "digits-out-rtp": "SIPp looks at no RTP",
    "digits-in-rtp": "SIPp's recorded digits need raw sockets",
  },
});
