// The site is a customer: it knows the package by its public names only.
import { defineConfig } from "eslint/config";
import tseslint from "typescript-eslint";

export default defineConfig(
  { ignores: ["dist/", "node_modules/"] },
  {
    files: ["src/**/*.ts"],
    extends: [tseslint.configs.strictTypeChecked, tseslint.configs.stylisticTypeChecked],
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    rules: {
      "@typescript-eslint/no-restricted-imports": ["error", {
        patterns: [
          { group: ["**/npm/*", "../*", "switchhook/dist/*", "switchhook/src/*"], message: "Import the package by its public names." },
          { regex: "^(?!switchhook(/|$)|\\./)", message: "The site needs nothing but switchhook." },
        ],
      }],
    },
  },
);
