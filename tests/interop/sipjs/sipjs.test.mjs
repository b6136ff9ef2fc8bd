// SIP.js through our relay to Asterisk.

import { beforeAsterisk } from "../asterisk/stage.mjs";
import { notInRelay } from "../not-yet.mjs";
import { profile } from "../profile.mjs";

profile({
  id: "sipjs",
  title: "SIP.js",
  file: "sipjs/sipjs.test.mjs",
  about: "SIP.js through our relay to Asterisk",
  start: () => beforeAsterisk("asterisk-sipjs", { stack: "sipjs" }),
  cannot: {
    "delayed-out": "SIP.js' SessionManager always offers",
    "digits-in-info-dtmf": "Asterisk sends INFO as dtmf-relay only",
    "delayed-in": "Asterisk always offers",
  },
  fails: notInRelay,
});
