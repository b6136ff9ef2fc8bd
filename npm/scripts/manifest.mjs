// What editors, wrappers and pages read about the package: custom-elements.json, from the elements' own comments, and
// sri.json, the hashes for the `integrity` of script tags.
import { createHash } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ELEMENTS = { "call-button": { file: "call-button", name: "CallButton" }, "web-phone": { file: "web-phone", name: "WebPhone" } };
const LISTS = { attr: "attributes", slot: "slots", csspart: "cssParts", cssproperty: "cssProperties", event: "events", prop: "members" };

/** Writes both into `dist`. */
export function writeManifests(root) {
  const modules = Object.entries(ELEMENTS).map(([tagName, element]) => moduleOf(root, tagName, element));
  write(root, "custom-elements.json", { schemaVersion: "2.1.0", modules });
  write(root, "sri.json", Object.fromEntries(["call-button.js", "switchhook.js"].map((file) => [file, integrity(join(root, "dist", file))])));
}

/** The `integrity` of a file. */
export function integrity(file) {
  return `sha384-${createHash("sha384").update(readFileSync(file)).digest("base64")}`;
}

function moduleOf(root, tagName, { file, name }) {
  const source = readFileSync(join(root, "src/element", `${file}.ts`), "utf8");
  const [comment] = new RegExp(`/\\*\\*(?:(?!\\*/).)*\\*/\\s*export class ${name} `, "s").exec(source).slice(0, 1).map((text) => text.slice(text.lastIndexOf("/**")));
  const declaration = { kind: "class", name, tagName, customElement: true, description: /\*\*\s*\* (.*)/.exec(comment)[1], ...tags(comment) };
  const exports = [{ kind: "js", name, declaration: { name } }, { kind: "custom-element-definition", name: tagName, declaration: { name } }];
  return { kind: "javascript-module", path: `dist/element/${file}.js`, declarations: [declaration], exports };
}

/** `@attr to - The number to call`, or with a type, `@attr {boolean} quiet - …`; one in a line. */
function tags(comment) {
  const lists = {};
  for (const [, tag, type, names, description = ""] of comment.matchAll(/^ \* @(\w+) (?:\{(.+?)\} )?(.+?)(?: - (.*))?$/gm)) {
    const list = LISTS[tag];
    if (!list) continue;
    const isDefaultSlot = tag === "slot" && names.startsWith("- ");
    const described = isDefaultSlot ? { name: "", description: names.slice(2) } : { name: names, description: description || names };
    (lists[list] ??= []).push({ ...(list === "members" && { kind: "field" }), ...described, ...(type && { type: { text: type } }) });
  }
  return lists;
}

function write(root, name, value) {
  writeFileSync(join(root, "dist", name), `${JSON.stringify(value, null, 2)}\n`);
}
