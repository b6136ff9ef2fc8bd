// Kamailio behind our relay, as registrar and proxy between two browsers.

import { profile } from "../profile.mjs";
import { betweenBrowsers, cannot } from "./stage.mjs";

profile({
  id: "kamailio",
  title: "Kamailio",
  file: "kamailio/behind.test.mjs",
  about: "our SDK through our relay; Kamailio is the registrar and proxy, the far side another browser",
  start: () => betweenBrowsers(),
  cannot,
});
