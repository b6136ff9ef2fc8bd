// Asterisk 22 behind our relay, as a PBX of phones.

import { profile } from "../profile.mjs";
import { beforeAsterisk } from "./stage.mjs";

profile({
  id: "asterisk",
  title: "Asterisk",
  file: "asterisk/asterisk.test.mjs",
  about: "our SDK through our relay; the far side is a desk in Asterisk's dial plan",
  start: () => beforeAsterisk("asterisk"),
  cannot: {
    "digits-in-info-dtmf": "Asterisk sends INFO as dtmf-relay only",
    "delayed-in": "Asterisk always offers",
  },
});
