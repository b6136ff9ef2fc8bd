/** English, which the phone has from the beginning. */
import { call } from "../lang/en.call.js";
import { phone } from "../lang/en.phone.js";
import type { Messages } from "../messages.js";

/** All words. */
export const ENGLISH: Messages = { call, phone };
