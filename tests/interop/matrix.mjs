// The matrix of peers and cases, docs/interop.md, from what the last run of the interop suite came to.
//
//   node tests/interop/matrix.mjs           fails and shows the difference where the committed matrix says otherwise
//   node tests/interop/matrix.mjs --write   writes it
//
// The day and the versions are those of the machine that wrote it; only cells and reasons are compared.

import { readdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { root, results } from "../harness/paths.mjs";
import { cases } from "./cases.mjs";

/** The order of the columns. */
const ORDER = ["asterisk", "kamailio", "baresip", "twinkle", "sipp", "asterisk-direct", "kamailio-direct", "jssip", "sipjs"];
const SIGN = { works: "✔", fails: "✘", cannot: "–" };
const page = path.join(root, "docs/interop.md");

if (process.env.ONLY) {
  console.log("only some cases ran: the matrix is not compared");
  process.exit(0);
}
const profiles = await collected();
if (process.argv.includes("--write")) {
  await writeFile(page, written(profiles));
  console.log(`wrote ${path.relative(root, page)}`);
} else {
  compare(await readFile(page, "utf8").catch(() => ""), written(profiles));
}

async function collected() {
  const found = [];
  for (const name of await readdir(results).catch(() => [])) {
    if (!name.endsWith(".json")) continue;
    const profile = JSON.parse(await readFile(path.join(results, name), "utf8"));
    if (ORDER.includes(profile.id)) found.push(profile);
  }
  const missing = ORDER.filter((id) => !found.some((profile) => profile.id === id && profile.whole));
  if (missing.length > 0) throw new Error(`not run, or not to its end: ${missing.join(", ")}`);
  return found.sort((a, b) => ORDER.indexOf(a.id) - ORDER.indexOf(b.id));
}

function written(profiles) {
  const versions = Object.entries(Object.assign({}, ...profiles.map((profile) => profile.versions)));
  const [notes, numberOf] = footnotes(profiles);
  const count = (state) => profiles.flatMap(({ cells }) => Object.values(cells)).filter((cell) => cell.state === state).length;
  return `# Which peer was seen to do what

Written by \`node tests/interop/matrix.mjs --write\` after \`make interop\`, which fails when a cell changes. Every column
runs the same list of cases, [tests/interop/cases.mjs](../tests/interop/cases.mjs); its title links to its test.

${SIGN.works} works. ${SIGN.fails} fails, and the test makes sure that it fails for that reason. ${SIGN.cannot} is nothing this peer can do.
The numbers lead to the reasons.

Last written on ${new Date().toISOString().slice(0, 10)} with ${versions.map(([name, version]) => `${name} ${version}`).join(", ")}.

## The columns

${profiles.map(({ title, file, about }) => `- [${title}](../tests/interop/${file}): ${about}.`).join("\n")}

## The matrix

| Case | ${profiles.map(({ title, file }) => `[${title}](../tests/interop/${file})`).join(" | ")} |
|---|${profiles.map(() => ":-:|").join("")}
${cases.map((each) => `| ${each.title} | ${profiles.map(({ cells }) => cell(cells[each.id], numberOf)).join(" | ")} |`).join("\n")}

${count("works")} cells work, ${count("fails")} fail, ${count("cannot")} are nothing the peer can do.

## Reasons

${notes.map((reason, index) => `${index + 1}. ${reason}`).join("\n")}
`;
}

/** Each reason once, in the order in which the matrix needs it. */
function footnotes(profiles) {
  const notes = [];
  for (const { id } of cases) {
    for (const { cells } of profiles) {
      const reason = cells[id]?.reason;
      if (reason && !notes.includes(reason)) notes.push(reason);
    }
  }
  return [notes, (reason) => notes.indexOf(reason) + 1];
}

function cell(found, numberOf) {
  if (!found) return "?";
  return found.reason ? `${SIGN[found.state]} ${numberOf(found.reason)}` : SIGN[found.state];
}

/** The lines that tell what passed; not the day, not the versions. */
function facts(text) {
  return text.split("\n").filter((line) => /^(\||- |\d+\. )/.test(line));
}

function compare(committed, found) {
  const [before, now] = [facts(committed), facts(found)];
  const gone = before.filter((line) => !now.includes(line));
  const come = now.filter((line) => !before.includes(line));
  if (gone.length === 0 && come.length === 0) {
    console.log("the matrix in docs/interop.md agrees with this run");
    return;
  }
  console.log("error: docs/interop.md says otherwise than this run:");
  for (const line of gone) console.log(`  - ${line}`);
  for (const line of come) console.log(`  + ${line}`);
  console.log("when that is right: node tests/interop/matrix.mjs --write");
  process.exitCode = 1;
}
