// Writes what a page can import, from the built types: an API report that reviews read (npm/api-report.md), and the
// reference for people (docs/sdk/reference.md, elements.md and errors.md). `node scripts/api.mjs` writes them; a test fails
// when they differ from what the types say.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import ts from "typescript";
import { elementsPage } from "./elements-page.mjs";
import { errorsPage } from "./errors-page.mjs";

const root = join(import.meta.dirname, "..");
const OPTIONS = {
  module: ts.ModuleKind.NodeNext,
  target: ts.ScriptTarget.ES2022,
  lib: ["es2022", "esnext.disposable", "dom", "dom.iterable", "dom.asynciterable"].map((name) => `lib.${name}.d.ts`),
  types: [],
  skipLibCheck: true,
};
/** The printer gives each part of a tuple a line of its own. */
const TUPLE = /\[\n(?:\s+\w+,?\n)+\s*\]/g;
const manifest = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));

/** File, from the folder of the package, to text. */
export function apiFiles() {
  const entries = Object.entries(manifest.exports).filter(([, target]) => target.types);
  const program = ts.createProgram(entries.map(([, { types }]) => join(root, types)), OPTIONS);
  const modules = entries.map(([subpath, { types }]) => ({ name: `switchhook${subpath.slice(1)}`, symbols: exportsOf(program, join(root, types)) }));
  const sdk = modules.find(({ name }) => name === "switchhook");
  return {
    "api-report.md": report(modules),
    "../docs/sdk/reference.md": reference(sdk),
    "../docs/sdk/elements.md": elementsPage(root, modules.find(({ name }) => name === "switchhook/element")),
    "../docs/sdk/errors.md": errorsPage(root),
  };
}

/** What a module exports, in alphabetical order: name, the words above it, its declaration with and without comments. */
function exportsOf(program, file) {
  const checker = program.getTypeChecker();
  const module = checker.getSymbolAtLocation(program.getSourceFile(file));
  // A module that only registers something exports nothing.
  const symbols = module ? checker.getExportsOfModule(module) : [];
  return symbols.map((symbol) => described(checker, symbol)).sort((one, other) => (one.name < other.name ? -1 : 1));
}

function described(checker, symbol) {
  const origin = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol;
  const declarations = (origin.declarations ?? []).map(statementOf);
  return {
    name: symbol.name,
    kind: kindOf(declarations[0]),
    about: ts.displayPartsToString(origin.getDocumentationComment(checker)).replaceAll(/\s+/g, " "),
    bare: words(checker, origin) ?? declarations.map((node) => text(node, false)).join("\n"),
    commented: words(checker, origin) ?? declarations.map((node) => text(node, true)).join("\n"),
  };
}

/** A union of words, spelt out: it may be made of others that are not exported. */
function words(checker, symbol) {
  if (!(symbol.flags & ts.SymbolFlags.TypeAlias)) return undefined;
  const { types = [] } = checker.getDeclaredTypeOfSymbol(symbol);
  if (types.length === 0 || !types.every((type) => type.isStringLiteral())) return undefined;
  return `type ${symbol.name} = ${types.map(({ value }) => JSON.stringify(value)).join(" | ")};`;
}

/** `const x: T` lies three levels below what is written. */
function statementOf(node) {
  return ts.isVariableDeclaration(node) ? node.parent.parent : node;
}

function kindOf(node) {
  if (ts.isClassDeclaration(node)) return "class";
  return ts.isVariableStatement(node) || ts.isFunctionDeclaration(node) ? "function" : "type";
}

/** A declaration without what nobody outside may use, and with or without comments. */
function text(node, hasComments) {
  const printer = ts.createPrinter({ removeComments: !hasComments });
  const open = ts.isClassDeclaration(node) ? withoutPrivate(node) : node;
  const printed = printer.printNode(ts.EmitHint.Unspecified, open, node.getSourceFile());
  return printed.replace(/^\s*\/\*\*.*?\*\/\s*/s, "").replace(/^export (declare )?/, "").replaceAll("    ", "  ").replace(TUPLE, (tuple) => tuple.replace(/\[\s+/, "[").replace(/\s+\]/, "]").replaceAll(/,\s+/g, ", "));
}

function withoutPrivate(node) {
  const members = node.members.filter((member) => !(member.name && ts.isPrivateIdentifier(member.name)) && !isHidden(member));
  const { factory } = ts;
  return factory.updateClassDeclaration(node, node.modifiers, node.name, node.typeParameters, node.heritageClauses, members);
}

function isHidden(member) {
  return Boolean(ts.getCombinedModifierFlags(member) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected));
}

function report(modules) {
  const parts = modules.map(({ name, symbols }) => [`## ${name}`, symbols.length > 0 ? code(symbols.map(({ bare }) => bare).join("\n\n")) : "Registers the element; exports nothing."]);
  return page("API report", "What can be imported, and its types. Written by `npm run api`; a review looks at its changes.", parts.flat());
}

const KINDS = { class: "Classes", function: "Functions", type: "Types" };

function reference({ symbols }) {
  const parts = Object.entries(KINDS).flatMap(([kind, title]) => {
    const ours = symbols.filter((symbol) => symbol.kind === kind);
    return [`## ${title}`, ...ours.flatMap(({ name, about, commented }) => [`### ${name}`, about, code(commented)])];
  });
  const list = symbols.filter(({ kind }) => kind !== "type").map(({ name }) => `[${name}](#${name.toLowerCase()})`).join(", ");
  return page("SDK reference", "Everything that `import … from \"switchhook\"` gives. Written from the types by `npm run api`.", [list, ...parts]);
}

function code(text) {
  return `\`\`\`ts\n${text}\n\`\`\``;
}

function page(title, about, parts) {
  return `# ${title}\n\n${[about, ...parts].filter(Boolean).join("\n\n")}\n`;
}

if (process.argv[1] === import.meta.filename) {
  for (const [file, content] of Object.entries(apiFiles())) writeFileSync(join(root, file), content);
}
