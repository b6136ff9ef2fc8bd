// `webpack build` by its API: the entry, where to write, nothing else.

import path from "node:path";
import process from "node:process";
import webpack from "webpack";

const compiler = webpack({
  mode: "production",
  context: import.meta.dirname,
  entry: "./src/main.js",
  output: { path: path.resolve(process.argv[2]), filename: "main.js" },
  // Its remark that the telephone weighs more than 244 KiB is true, and no fault of the build.
  performance: false,
});

compiler.run((error, stats) => {
  const problem = error ?? (stats.hasErrors() || stats.hasWarnings() ? stats.toString("errors-warnings") : undefined);
  if (problem) {
    console.error(problem);
    process.exitCode = 1;
  }
  compiler.close(() => undefined);
});
