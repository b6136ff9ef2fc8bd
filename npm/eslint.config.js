// The lints, and the fences between the folders: who may import whom.
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

const WASM = ["**/wasm/*"];

/** Forbids imports by pattern; types may pass where `types` is true. */
function fence(group, message, types = false) {
  return { "@typescript-eslint/no-restricted-imports": ["error", { patterns: [{ group, message, allowTypeImports: types }] }] };
}

export default defineConfig(
  { ignores: ["dist/", "wasm/", "node_modules/"] },
  {
    files: ["**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: [] }, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "no-restricted-exports": ["error", { restrictDefaultExports: { direct: true, named: true, defaultFrom: true, namedFrom: true, namespaceFrom: true } }],
      "@typescript-eslint/explicit-module-boundary-types": "error",
      "@typescript-eslint/no-unnecessary-condition": "error",
      "@typescript-eslint/prefer-nullish-coalescing": "error",
      // A table of one-line arms is one branch.
      complexity: ["error", { max: 10, variant: "modified" }],
      "max-lines": ["error", 400],
    },
  },
  // It stands in for the glue, which has one.
  { files: ["test/fake-core.ts"], rules: { "no-restricted-exports": "off" } },
  {
    files: ["src/**/*.ts"],
    rules: fence(WASM, "Only sdk/driver.ts and load.ts know the wasm; sdk/types.ts passes its types on."),
  },
  { files: ["src/load.ts", "src/sdk/driver.ts"], rules: { "@typescript-eslint/no-restricted-imports": "off" } },
  { files: ["src/sdk/types.ts"], rules: fence(WASM, "Types only.", true) },
  {
    files: ["src/sdk/**/*.ts"],
    ignores: ["src/sdk/driver.ts", "src/sdk/types.ts"],
    rules: fence([...WASM, "**/element/*"], "The SDK knows neither the elements nor, but for driver.ts, the wasm."),
  },
  {
    files: ["src/element/**/*.ts", "src/compat/**/*.ts"],
    rules: fence(["**/sdk/*", "**/load.js", ...WASM], "An element or a facade knows the SDK by its public names: import ../index.js."),
  },
);
