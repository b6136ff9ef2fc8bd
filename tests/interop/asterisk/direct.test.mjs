// Our SDK on Asterisk's own WebSocket, without our relay.

import { profile } from "../profile.mjs";
import { beforeAsterisk } from "./stage.mjs";

profile({
  id: "asterisk-direct",
  title: "Asterisk, direct",
  file: "asterisk/direct.test.mjs",
  about: "our SDK on Asterisk's own WebSocket, without our relay",
  start: () => beforeAsterisk("asterisk-direct", { direct: true }),
  cannot: {
    "digits-in-rtp": "browsers tell a page nothing of received telephone-events",
    "digits-in-info-dtmf": "Asterisk sends INFO as dtmf-relay only",
    "delayed-in": "Asterisk always offers",
  },
});
