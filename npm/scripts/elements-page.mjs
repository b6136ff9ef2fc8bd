// The reference of the elements: what custom-elements.json says, as tables, and the methods and properties of the classes.
import { readFileSync } from "node:fs";
import { join } from "node:path";

const TABLES = [
  ["attributes", "Attribute"],
  ["events", "Event"],
  ["slots", "Slot"],
  ["cssParts", "Part"],
  ["cssProperties", "Custom property"],
];

/** The page's text. `module` is what the types of `switchhook/element` say. */
export function elementsPage(root, { symbols }) {
  const { modules } = JSON.parse(readFileSync(join(root, "dist/custom-elements.json"), "utf8"));
  const parts = modules.flatMap(({ declarations: [element] }) => section(element, symbols.find(({ name }) => name === element.name)));
  return `# Elements\n\nEverything about the two tags. Written from the elements' manifest and types by \`npm run api\`.\n\n${parts.join("\n\n")}\n`;
}

function section(element, { commented }) {
  const tables = TABLES.filter(([list]) => element[list]).map(([list, title]) => table(title, element[list]));
  return [`## \`<${element.tagName}>\``, element.description, ...tables, `\`\`\`ts\n${commented}\n\`\`\``];
}

function table(title, rows) {
  const lines = rows.map(({ name, description, type }) => `| ${name ? `\`${name}\`` : "(without a name)"} | ${cell(description, name)}${type ? ` (\`${type.text.replaceAll("|", "\\|")}\`)` : ""} |`);
  return [`| ${title} | |`, "|---|---|", ...lines].join("\n");
}

/** A part whose name says it all has no words of its own. */
function cell(description, name) {
  return description === name ? "" : description.replaceAll("|", "\\|");
}
