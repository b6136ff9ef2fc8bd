// What dist/switchhook.js holds: all of the package for one script tag.
export * from "../dist/index.js";
export * from "../dist/element/index.js";
import "../dist/element/define.js";
