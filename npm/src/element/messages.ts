/** Words: which language an element speaks, and its table. English comes along, the others when they are needed. */
import { call as english, type CallWords } from "./lang/en.call.js";
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

/** What to speak before the table is there. */
export function firstWords(language: string): CallWords {
  return { ...english, call: CALL[language] ?? english.call };
}

/** The table of a language; none for English, which the elements have, nor when it cannot be fetched. */
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
export function errorText(words: CallWords, code: string, more: Partial<Record<string, string>> = {}): string {
  const errors: Record<string, string> = words.errors;
  return errors[code] ?? more[code] ?? words.errors.other;
}

function closestLang(element: Element): string | undefined {
  const found = element.closest("[lang]:not([lang=''])");
  if (found) return found.getAttribute("lang") ?? undefined;
  const root = element.getRootNode();
  return root instanceof ShadowRoot ? closestLang(root.host) : undefined;
}
