// baresip behind Kamailio, behind our relay: the list of cases.

import { Relay } from "../../harness/relay.mjs";
import { World } from "../../harness/world.mjs";
import { account, Kamailio } from "../kamailio/kamailio.mjs";
import { profile } from "../profile.mjs";
import { Scene } from "../scene.mjs";
import { Baresip } from "./baresip.mjs";
import { Handset } from "./handset.mjs";

const phone = "a phone has no registrar";

profile({
  id: "baresip",
  title: "baresip",
  file: "baresip/cases.test.mjs",
  about: "our SDK through our relay and Kamailio; the far side is baresip",
  start: () => World.with({ relay: false }, async (world) => {
    const kamailio = world.add(await Kamailio.start());
    const relay = world.add(await Relay.before(kamailio.address));
    const far = await Handset.start(kamailio);
    return new Scene(world, { server: relay, relay, account: account("alice"), far, versions: { baresip: Baresip.version, Kamailio: kamailio.version } });
  }),
  cannot: {
    register: phone,
    "wrong-password": phone,
    "attended-far": "baresip 1.0 has no attended transfer",
    "digits-in-info-dtmf": "baresip sends INFO as dtmf-relay only",
    "message-in": "baresip 1.0 has no command for it",
    lamp: "a phone keeps no voice mail",
    presence: "a phone keeps nobody's presence; see Kamailio",
    "busy-lamp": "a phone keeps nobody's presence; see Kamailio",
    prack: "baresip 1.0 knows no PRACK",
    refresh: "baresip has no session timers",
    "delayed-in": "baresip always offers",
  },
});
