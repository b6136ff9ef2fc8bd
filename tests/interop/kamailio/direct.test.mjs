// Our SDK on Kamailio's own WebSocket, without our relay: between two browsers.

import { profile } from "../profile.mjs";
import { betweenBrowsers, cannot } from "./stage.mjs";

profile({
  id: "kamailio-direct",
  title: "Kamailio, direct",
  file: "kamailio/direct.test.mjs",
  about: "our SDK on Kamailio's own WebSocket, without our relay; the far side is another browser",
  start: () => betweenBrowsers({ direct: true }),
  cannot: {
    ...cannot,
    "digits-out-rtp": "browsers tell a page nothing of received telephone-events",
    "digits-in-rtp": "browsers tell a page nothing of received telephone-events",
  },
});
