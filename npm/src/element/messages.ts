/** Words: which language an element speaks, and its table. A button comes with the few words that stand on it. */
import type { CallWords } from "./lang/en.call.js";
import type { PhoneWords } from "./lang/en.phone.js";

/** All words of one language. */
export interface Messages {
  readonly call: CallWords;
  readonly phone: PhoneWords;
}

const TABLES: Record<string, () => Promise<{ messages: Messages }>> = {
  ar: () => import("./lang/ar.js"),
  de: () => import("./lang/de.js"),
  el: () => import("./lang/el.js"),
  es: () => import("./lang/es.js"),
  fr: () => import("./lang/fr.js"),
  ja: () => import("./lang/ja.js"),
  ru: () => import("./lang/ru.js"),
  zh: () => import("./lang/zh.js"),
};

/** The one word a button shows before its table is there, so that it does not change under the eyes. */
const CALL: Record<string, string> = {
  ar: "اتصال", de: "Anrufen", el: "Κλήση", es: "Llamar", fr: "Appeler", ja: "電話する", ru: "Позвонить", zh: "拨打电话",
};

/** What a button says without its panel. */
export type ButtonWords = Pick<CallWords, "call" | "connecting" | "ringing" | "inCall" | "ended" | "failed"> & { readonly errors?: CallWords["errors"] };

const ENGLISH: ButtonWords = { call: "Call", connecting: "Connecting…", ringing: "Ringing…", inCall: "In call", ended: "Call ended", failed: "The call did not work" };

/** What to speak before the table is there. */
export function firstWords(language: string): ButtonWords {
  return { ...ENGLISH, call: CALL[language] ?? ENGLISH.call };
}

/** The table of a language; none for English, which comes with what is fetched anyway, nor when it cannot be fetched. */
export async function loadMessages(language: string): Promise<Messages | undefined> {
  try {
    return (await TABLES[language]?.())?.messages;
  } catch {
    return undefined;
  }
}

/** The element's language: its own `lang`, the nearest one around it, else the person's; English if we have no table. */
export function languageOf(element: Element): string {
  const near = closestLang(element) ?? navigator.language;
  const [language = "en"] = near.toLowerCase().split("-");
  return language in TABLES ? language : "en";
}

/** `rtl` for the languages that are written so. */
export function directionOf(language: string): "ltr" | "rtl" {
  return language === "ar" ? "rtl" : "ltr";
}

/** The sentence for an error's code. A button has those of its calls; the phone's table adds the others. */
export function errorText(words: ButtonWords, code: string, more: Partial<Record<string, string>> = {}): string {
  const errors: Partial<Record<string, string>> = words.errors ?? {};
  return errors[code] ?? more[code] ?? words.errors?.other ?? words.failed;
}

function closestLang(element: Element): string | undefined {
  const found = element.closest("[lang]:not([lang=''])");
  if (found) return found.getAttribute("lang") ?? undefined;
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? closestLang(root.host) : undefined;
}
