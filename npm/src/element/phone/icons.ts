/** The icons that only the phone has, so that a page with a button alone does not load them. */
import { drawing } from "../icons.js";

const PATHS = {
  transfer: "M4 8h13M13 4l4 4-4 4M20 16H7M11 12l-4 4 4 4",
  add: "M12 5v14M5 12h14",
  history: "M3.500 12a8.500 8.500 0 1 0 2.600-6.100L3.500 8.200M3.500 4v4.200h4.200M12 7.500V12l3 2",
  contacts: "M9 11.500a3.300 3.300 0 1 0 0-6.600 3.300 3.300 0 0 0 0 6.600zM3 19.500a6 6 0 0 1 12 0M16 5.200a3.300 3.300 0 0 1 0 6.200M17.500 14.200a6 6 0 0 1 3.500 5.300",
  chat: "M4 5.500h16v11H10l-4.500 3.500v-3.500H4zM8 9.500h8M8 12.500h5",
  settings: "M4 7h9M19 7h1M4 17h1M11 17h9M16 9.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5zM8 19.500a2.500 2.500 0 1 0 0-5 2.500 2.500 0 0 0 0 5z",
  voicemail: "M6.500 15.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM17.500 15.500a3.500 3.500 0 1 0 0-7 3.500 3.500 0 0 0 0 7zM6.500 15.500h11",
  outgoing: "M7 17L17 7M9.500 7H17v7.500",
  incoming: "M17 7L7 17M14.500 17H7V9.500",
  missed: "M5 7l7 7 7-7M5 7v5M5 7h5",
  remove: "M5 7h14M10 7V4.500h4V7M7 7l1 12.500h8L17 7M10 10.500v6M14 10.500v6",
  send: "M4 12l16-7-5 15-3.500-6z",
  back: "M14.500 5.500L8 12l6.500 6.500",
  moon: "M19.500 14.500A8 8 0 0 1 9.500 4.500a8 8 0 1 0 10 10z",
  join: "M8 12h8M5.500 15.500a3.500 3.500 0 1 1 0-7M18.500 8.500a3.500 3.500 0 1 1 0 7",
} as const;

/** The name of an icon of the phone. */
export type PhoneIconName = keyof typeof PATHS;

/** Draws one. It is decoration: the control that holds it has a name of its own. */
export function phoneIcon(name: PhoneIconName): SVGElement {
  return drawing(name, PATHS[name]);
}
