// SIP.js through our relay to Asterisk.

import { beforeAsterisk } from "../asterisk/stage.mjs";
import { profile } from "../profile.mjs";

profile({
  id: "sipjs",
  title: "SIP.js",
  file: "sipjs/sipjs.test.mjs",
  about: "SIP.js through our relay to Asterisk",
  start: () => beforeAsterisk("asterisk-sipjs", { stack: "sipjs" }),
  cannot: {
    "delayed-out": "SIP.js' SessionManager always offers",
    "digits-in-rtp": "browsers tell a page nothing of received telephone-events, and SIP.js does not name dtmf-relay in its Accept",
    "digits-in-info-dtmf": "Asterisk sends INFO as dtmf-relay only",
    "delayed-in": "Asterisk always offers",
  },
});
