// JsSIP through our relay to Asterisk.

import { beforeAsterisk } from "../asterisk/stage.mjs";
import { notInRelay } from "../not-yet.mjs";
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
    "digits-in-info-dtmf": "Asterisk sends INFO as dtmf-relay only",
    "delayed-in": "Asterisk always offers",
  },
  fails: notInRelay,
});
