// JsSIP through our relay to Asterisk.

import { beforeAsterisk } from "../asterisk/stage.mjs";
import { profile } from "../profile.mjs";

profile({
  id: "jssip",
  title: "JsSIP",
  file: "jssip/asterisk.test.mjs",
  about: "JsSIP through our relay to Asterisk",
  start: () => beforeAsterisk("asterisk-jssip", { stack: "jssip" }),
  cannot: {
    "digits-out-info-dtmf": "JsSIP sends INFO as dtmf-relay only",
    "delayed-out": "JsSIP always offers",
    "digits-in-rtp": "browsers tell a page nothing of received telephone-events, and JsSIP does not name dtmf-relay in its Accept",
    "digits-in-info-dtmf": "Asterisk sends INFO as dtmf-relay only",
    "delayed-in": "Asterisk always offers",
  },
});
