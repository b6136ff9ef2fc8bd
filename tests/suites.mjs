// Runs suites one after the other, shows how far they are, keeps their whole output in target/test-logs/ and closes
// with the sum. `node tests/suites.mjs check native` runs two of them; a suite goes on although one before it failed,
// except where it needs what could not be built.

import { spawn } from "node:child_process";
import { createWriteStream, existsSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { createInterface } from "node:readline";
import path from "node:path";
import { fileURLToPath } from "node:url";

const root = path.resolve(path.dirname(fileURLToPath(import.meta.url)), "..");
const logs = path.join(root, "target/test-logs");
const verbose = Boolean(process.env.VERBOSE);
const minutes = (count) => count * 60_000;
const only = process.env.ONLY ? ["--test-name-pattern", process.env.ONLY] : [];

const wasm32 = "wasm32-wasip1";
/**
 * The limit is a file's, not a test's: each wait has its own.
 *
 * One file after the other: two browsers at once would disturb each other's sound on a small machine. */
const nodeTests = (folder, wanted = () => true) =>
  ["node", "--test", "--test-reporter=spec", "--test-concurrency=1", `--test-timeout=${minutes(15)}`, ...only, ...testFiles(folder).filter(wanted)];

/** Each step: the command, how its tests are counted, and the longest it may take. */
const suites = {
  check: {
    about: "formatting, clippy, tsc, eslint",
    steps: [
      step("rustfmt", ["cargo", "fmt", "--all", "--check"], minutes(2)),
      step("clippy", ["cargo", "clippy", "--workspace", "--all-targets", "--quiet", "--", "--deny", "warnings"], minutes(15)),
      step(
        "clippy on wasm32",
        ["cargo", "clippy", "--package", "client-wasm", "--target", "wasm32-unknown-unknown", "--quiet", "--", "--deny", "warnings"],
        minutes(10),
      ),
      ...["npm", "demo-site"]
        .filter((folder) => scripts(folder).check)
        .map((folder) => step(`tsc and eslint in ${folder}`, ["npm", "run", "--prefix", folder, "--silent", "check"], minutes(3))),
    ],
  },
  build: {
    about: "the relay (release), the browser package, the demo site",
    steps: [
      step("relay", ["make", "--silent", "relay"], minutes(15)),
      step("package and site", ["make", "--silent", "site"], minutes(10)),
    ],
  },
  native: {
    about: "the Rust rooms' own tests and the fences",
    steps: [step("cargo test", ["cargo", "test", "--workspace", "--no-fail-fast"], minutes(20), countCargo)],
  },
  wasm32: {
    about: "sip-core's tests again, on wasm32",
    steps: [
      step("cargo test on wasm32", ["cargo", "test", "--no-fail-fast", "--package", "sip-core", "--lib", "--tests", "--target", wasm32], minutes(15), countCargo, {
        CARGO_TARGET_WASM32_WASIP1_RUNNER: `node --no-warnings ${path.join(root, "tests/wasi-runner.mjs")}`,
      }),
    ],
  },
  package: {
    about: "the browser package's own tests",
    needs: "build",
    steps: [
      step("npm test", ["npm", "test", "--prefix", "npm", "--silent"], minutes(5), countPlain),
      step("what is shipped", nodeTests("tests/package"), minutes(6), countNode),
    ],
  },
  e2e: {
    about: "Chromium and Firefox against the relay and its demo exchange",
    needs: "build",
    steps: [step("e2e", nodeTests("tests/e2e"), minutes(12), countNode)],
  },
  interop: {
    about: "baresip, SIPp, JsSIP, Kamailio: calls with sound, what PBXs do and what none should",
    needs: "build",
    steps: [step("interop", nodeTests("tests/interop", (name) => !isCases(name)), minutes(10), countNode)],
  },
  matrix: {
    about: "one list of cases with Asterisk, Kamailio, baresip, Twinkle, SIPp, JsSIP and SIP.js",
    needs: "build",
    // What an earlier run came to must not count.
    stale: "target/interop",
    steps: [
      step("the cases with every peer", nodeTests("tests/interop", isCases), minutes(20), countNode),
      step("the matrix of peers and cases", ["node", "tests/interop/matrix.mjs"], minutes(1)),
    ],
  },
};

/** Whether a file of tests runs the list of cases, as opposed to tests of its peer's own. */
function isCases(name) {
  return /(cases|behind|direct|asterisk|sipjs|twinkle)\.test\.mjs$/.test(name);
}

function testFiles(folder) {
  const found = readdirSync(path.join(root, folder), { recursive: true });
  return found.filter((name) => name.endsWith(".test.mjs")).map((name) => path.join(folder, name)).sort();
}

function step(name, command, limit, count = countExit, env = {}) {
  return { name, command, limit, count, env };
}

function scripts(folder) {
  const file = path.join(root, folder, "package.json");
  return existsSync(file) ? (JSON.parse(readFileSync(file, "utf8")).scripts ?? {}) : {};
}

/** A step without tests of its own counts as one. */
function countExit(_line, _tally) {}

function countCargo(line, tally) {
  const result = /^test result: \w+\. (\d+) passed; (\d+) failed/.exec(line);
  if (!result) return;
  tally.passed += Number(result[1]);
  tally.failed += Number(result[2]);
}

function countPlain(line, tally) {
  const result = /^(\d+) passed, (\d+) failed$/.exec(line);
  if (!result) return;
  tally.passed += Number(result[1]);
  tally.failed += Number(result[2]);
}

function countNode(line, tally) {
  const result = /^(?:ℹ|#) (pass|fail|cancelled) (\d+)$/.exec(line);
  if (!result) return;
  tally[result[1] === "pass" ? "passed" : "failed"] += Number(result[2]);
}

/** Lines worth seeing while a step runs: results and failures, not every success of hundreds. */
const notable = /^(test result|failures:|error|warning: unused|\s+Running |test .* FAILED$|---- |thread '.*panicked|[✔✖▶﹣] |\s+[✔✖] |\s+(?:ok|FAILED) |set-up:)/;

async function run({ name, command, limit, count, env }, log) {
  const tally = { passed: 0, failed: 0 };
  const recent = [];
  log.write(`\n$ ${command.join(" ")}\n`);
  const child = spawn(command[0], command.slice(1), {
    cwd: root,
    env: { ...process.env, CARGO_TERM_COLOR: "never", ...env },
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  let late = false;
  const clock = setTimeout(() => {
    late = true;
    process.kill(-child.pid, "SIGKILL");
  }, limit);
  const started = Date.now();
  const pulse = setInterval(() => console.log(`    … ${name}: ${seconds(started)} s`), 60_000);
  const read = async (stream) => {
    for await (const line of createInterface({ input: stream })) {
      log.write(`${line}\n`);
      recent.push(line);
      if (recent.length > 60) recent.shift();
      count(line, tally);
      if (verbose || (count !== countExit && notable.test(line))) console.log(`    ${line}`);
    }
  };
  const ended = new Promise((resolve) => {
    child.once("error", (error) => resolve({ code: null, error }));
    child.once("close", (code) => resolve({ code }));
  });
  const [{ code, error }] = await Promise.all([ended, read(child.stdout), read(child.stderr)]);
  clearTimeout(clock);
  clearInterval(pulse);
  if (count === countExit) tally[code === 0 ? "passed" : "failed"] += 1;
  else if (code !== 0 && tally.failed === 0) tally.failed += 1;
  const verdict = tally.failed === 0 ? "ok" : "FAILED";
  console.log(`  ${verdict}: ${name}, ${tally.passed} passed, ${tally.failed} failed, ${seconds(started)} s`);
  if (tally.failed > 0 && !verbose) {
    if (late) console.log(`    it was still running after ${limit / 60_000} minutes and was ended`);
    if (error) console.log(`    ${error.message}`);
    for (const line of recent) console.log(`    | ${line}`);
  }
  return tally;
}

function seconds(since) {
  return ((Date.now() - since) / 1000).toFixed(0);
}

const chosen = process.argv.slice(2);
const unknown = chosen.filter((name) => !suites[name]);
if (chosen.length === 0 || unknown.length > 0) {
  console.error(`usage: node tests/suites.mjs SUITE...\nsuites: ${Object.keys(suites).join(" ")}`);
  process.exit(2);
}

mkdirSync(logs, { recursive: true });
const begun = Date.now();
const failedSuites = new Set();
const sum = { passed: 0, failed: 0 };
for (const name of chosen) {
  const suite = suites[name];
  console.log(`${name}: ${suite.about}`);
  if (failedSuites.has(suite.needs)) {
    console.log(`  FAILED: ${name} needs what ${suite.needs} could not make`);
    sum.failed += 1;
    failedSuites.add(name);
    continue;
  }
  if (suite.stale) rmSync(path.join(root, suite.stale), { recursive: true, force: true });
  const log = createWriteStream(path.join(logs, `${name}.log`));
  for (const each of suite.steps) {
    const tally = await run(each, log);
    sum.passed += tally.passed;
    sum.failed += tally.failed;
    if (tally.failed > 0) failedSuites.add(name);
  }
  log.end();
}
console.log(`${chosen.length} suites in ${((Date.now() - begun) / 60_000).toFixed(1)} minutes; whole output in target/test-logs/`);
if (failedSuites.size > 0) console.log(`failed: ${[...failedSuites].join(", ")}`);
console.log(`${sum.passed} passed, ${sum.failed} failed`);
process.exitCode = sum.failed > 0 || sum.passed === 0 ? 1 : 0;
