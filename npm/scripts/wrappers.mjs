// Writes dist/react/index and dist/vue/index, with their types, from the elements' manifest: one component for each
// element, a prop for each attribute and property, a handler for each event. What a component does is in src/*/wrap.ts.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const NOTE = "// Written by scripts/wrappers.mjs from custom-elements.json.";

/** Writes all four files into `dist`. */
export function writeWrappers(root) {
  const { modules } = JSON.parse(readFileSync(join(root, "dist/custom-elements.json"), "utf8"));
  const elements = modules.map(({ path, declarations: [declaration] }) => elementOf(path, declaration));
  const write = (file, parts) => writeFileSync(join(root, "dist", file), `${parts.join("\n")}\n`);
  // For React's servers: the components belong to the page, and a page of the server may import them directly.
  write("react/index.js", ['"use client";', NOTE, 'import { wrap } from "./wrap.js";', ...elements.map((element) => component(element, (name) => `on${name}`))]);
  write("vue/index.js", [NOTE, 'import { wrap } from "./wrap.js";', ...elements.map((element) => component(element, lowerFirst))]);
  write("react/index.d.ts", [NOTE, 'import type { ForwardRefExoticComponent, HTMLAttributes, RefAttributes } from "react";', ...importedTypes(elements), ...elements.map(reactTypes)]);
  write("vue/index.d.ts", [NOTE, 'import type { AllowedComponentProps, ComponentCustomProps, EmitFn, HTMLAttributes, VNode, VNodeProps } from "vue";', ...importedTypes(elements), ...elements.map(vueTypes)]);
}

function elementOf(path, { name, tagName, description, attributes, members = [], events }) {
  // What can be set without standing in the document is not written there.
  const shown = attributes.filter((attribute) => !members.some((member) => member.name === attribute.name));
  return { name, tag: tagName, description, module: path.replace("dist/", "../"), attributes: shown, members, events: events.map(eventOf) };
}

/** `CallStartEvent` of "callstart" makes `onCallStart`; the type's own words say where the capitals are. */
function eventOf({ name, type, description }) {
  return { type: name, class: type.text, words: type.text.replace(/Event$/, ""), description };
}

function component({ name, tag, description, module, attributes, members, events }, handler) {
  const names = {
    tag,
    attributes: Object.fromEntries(attributes.map((attribute) => [camel(attribute.name), attribute.name])),
    properties: members.map((member) => member.name),
    events: Object.fromEntries(events.map(({ words, type }) => [handler(words), type])),
  };
  return [`import { ${name} as ${name}Element } from "${module}";`, `/** ${description} */`, `export const ${name} = /* @__PURE__ */ wrap(${JSON.stringify(names)}, () => ${name}Element);`].join("\n");
}

function importedTypes(elements) {
  const events = [...new Set(elements.flatMap((element) => element.events.map((event) => event.class)))].sort();
  return [`import type { ${events.join(", ")} } from "../element/events.js";`, ...elements.map(({ name, module }) => `import type { ${name} as ${name}Element } from "${module}";`)];
}

function propLines({ attributes, members }) {
  const all = [...attributes.map((each) => ({ ...each, name: camel(each.name) })), ...members];
  return all.map(({ name, type, description }) => `  /** ${description} */\n  ${name}?: ${type?.text ?? "string"} | undefined;`);
}

function reactTypes(element) {
  const { name, description, events } = element;
  return [
    `/** The props of \`<${name}>\`. */`,
    `export interface ${name}Props extends HTMLAttributes<${name}Element> {`,
    ...propLines(element),
    ...events.map((event) => `  /** ${event.description} */\n  on${event.words}?: ((event: ${event.class}) => void) | undefined;`),
    "}",
    `/** ${description} Its \`ref\` is the element, with its methods. */`,
    `export declare const ${name}: ForwardRefExoticComponent<${name}Props & RefAttributes<${name}Element>>;`,
  ].join("\n");
}

function vueTypes(element) {
  const { name, description, events } = element;
  return [
    `/** The props of \`<${name}>\`. */`,
    `export interface ${name}Props {`,
    ...propLines(element),
    ...events.map((event) => `  /** ${event.description} */\n  on${event.words}?: ((event: ${event.class}) => void) | undefined;`),
    "}",
    `/** The events of \`<${name}>\`. */`,
    `export type ${name}Emits = {`,
    ...events.map((event) => `  /** ${event.description} */\n  ${lowerFirst(event.words)}: (event: ${event.class}) => void;`),
    "};",
    `/** ${description} What a template's \`ref\` gives has the element as \`element\`. */`,
    `export declare const ${name}: new () => {`,
    `  $props: AllowedComponentProps & ComponentCustomProps & VNodeProps & Omit<HTMLAttributes, keyof ${name}Props> & ${name}Props;`,
    `  $emit: EmitFn<${name}Emits>;`,
    "  $slots: { default?: () => VNode[] };",
    `  element: ${name}Element | null;`,
    "};",
  ].join("\n");
}

function camel(name) {
  return name.replace(/-(\w)/g, (_, letter) => letter.toUpperCase());
}

function lowerFirst(word) {
  return word[0].toLowerCase() + word.slice(1);
}
