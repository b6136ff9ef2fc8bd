/** XML that a stranger wrote, read with care: no document type (and so no entities), no endless text, no exceptions. */

/** Characters of one document; what presence and dialog servers send has a hundredth of that. */
const MAX_LENGTH = 262_144;

/** The document's root, where it has this name; or a sentence that says what is wrong. */
export function parseXml(text: string, root: string): Element | string {
  if (text.length > MAX_LENGTH) return "The document is too long.";
  if (/<!DOCTYPE/i.test(text)) return "The document has a document type, which is not read.";
  const document = new DOMParser().parseFromString(text, "application/xml");
  const found = document.documentElement as Element | null;
  if (!found || document.getElementsByTagName("parsererror").length > 0) return "The document is no XML.";
  return found.localName === root ? found : `The document is a ${found.localName}, not a ${root}.`;
}

/** The elements of this name right under `parent`, whatever their namespace. */
export function children(parent: Element, name: string): Element[] {
  return [...parent.children].filter((child) => child.localName === name);
}

/** The first of them. */
export function child(parent: Element | undefined, name: string): Element | undefined {
  return parent && children(parent, name)[0];
}

/** The text of the first of them; none where it is empty. */
export function text(parent: Element | undefined, name: string): string | undefined {
  return filled(child(parent, name)?.textContent);
}

/** Text without the white space around it; none where nothing is left. */
export function filled(text: string | null | undefined): string | undefined {
  const trimmed = text?.trim();
  return trimmed === "" ? undefined : trimmed;
}

/** An attribute; none where it is empty. */
export function attribute(element: Element | undefined, name: string): string | undefined {
  return filled(element?.getAttribute(name));
}

/** Text as it stands in an element or a quoted attribute. Control characters, which no XML may hold, are dropped. */
export function escapeXml(text: string): string {
  const names: Record<string, string> = { "<": "&lt;", ">": "&gt;", "&": "&amp;", "\"": "&quot;", "'": "&apos;" };
  return text.replace(/[\u0000-\u0008\u000b\u000c\u000e-\u001f\ufffe\uffff]/g, "").replace(/[<>&"']/g, (character) => names[character] ?? "");
}
