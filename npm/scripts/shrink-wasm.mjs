// What cargo and wasm-opt leave in the module: the code of panics, the order of functions, and the long names of imports.

import binaryen from "binaryen";

/**
 * The module whose functions of these names do nothing but trap.
 *
 * A panic in a page is a trap already: nobody installs a hook, and what std prints on wasm32 goes nowhere. Without the
 * functions that put its message together, wasm-opt also drops what only they need.
 */
export function trapIn(bytes, names) {
  const wanted = new RegExp(names.join("|"));
  const module = binaryen.readBinary(bytes);
  let found = 0;
  for (let index = 0; index < module.getNumFunctions(); index++) {
    const place = module.getFunctionByIndex(index);
    const { name, base } = binaryen.getFunctionInfo(place);
    if (base || !wanted.test(plain(name))) continue;
    binaryen.Function(place).body = module.unreachable();
    found++;
  }
  const written = module.emitBinary();
  module.dispose();
  return { bytes: written, found };
}

/** `core[c5930c85a12de822]::panicking::panic_fmt` without the crate's hash. */
function plain(name) {
  return name.replaceAll(/\[[0-9a-f]{16}\]/g, "");
}

/** Module and glue whose imports `__wbg_close_5ee9c5fe4e8754a4` are called `a`, `b`, and so on. */
export function shortenImports(bytes, glue) {
  const names = new Map();
  const shorten = (name) => {
    if (!names.has(name)) names.set(name, names.size.toString(36));
    return names.get(name);
  };
  const written = mapImports(bytes, (name) => (name.startsWith("__wb") ? shorten(name) : name));
  const renamed = glue.replaceAll(/\b(__wb\w+)(?=:)/g, (name) => (names.has(name) ? JSON.stringify(names.get(name)) : name));
  return { bytes: written, glue: renamed };
}

/**
 * The module with a name section by which `wasm-opt --reorder-functions-by-name` lays similar functions side by side:
 * what repeats the function before it compresses best.
 */
export function nameBySimilarity(bytes) {
  const sections = [...sectionsOf(bytes)].filter(({ id }) => id !== CUSTOM);
  const imported = new Reader(sections.find(({ id }) => id === IMPORTS).body).number();
  const reader = new Reader(sections.find(({ id }) => id === CODE).body);
  const bodies = Array.from({ length: reader.number() }, () => reader.take(reader.number()));
  const names = Array.from({ length: imported }, (_, index) => `imported ${index}`);
  chain(bodies).forEach((index, place) => (names[imported + index] = `function ${String(place).padStart(6, "0")}`));
  const rows = names.map((name, index) => Buffer.concat([leb(index), text(name)]));
  const functions = Buffer.concat([leb(rows.length), ...rows]);
  const body = Buffer.concat([text("name"), Buffer.from([1]), leb(functions.length), functions]);
  return write([...sections, { id: CUSTOM, body }]);
}

/** Each function after the one it has most in common with, from the largest on. */
function chain(bodies) {
  const pieces = bodies.map((body) => new Set(Array.from({ length: Math.max(body.length - 5, 0) }, (_, at) => body.readUIntBE(at, 6))));
  const left = [...bodies.keys()].sort((a, b) => bodies[b].length - bodies[a].length);
  const order = [left.shift()];
  while (left.length > 0) {
    const last = pieces[order.at(-1)];
    const likeness = left.map((index) => inCommon(last, pieces[index]));
    const best = likeness.reduce((best, value, at) => (value > likeness[best] ? at : best), 0);
    order.push(...left.splice(best, 1));
  }
  return order;
}

/** From 0 to 1. */
function inCommon(a, b) {
  const [few, many] = a.size < b.size ? [a, b] : [b, a];
  if (many.size > few.size * 6) return 0;
  let common = 0;
  for (const piece of few) if (many.has(piece)) common++;
  return common / Math.sqrt(few.size * many.size);
}

const CUSTOM = 0;
const IMPORTS = 2;
const CODE = 10;

/** The binary with each import renamed. */
function mapImports(bytes, rename) {
  const sections = [...sectionsOf(bytes)];
  return write(sections.map(({ id, body }) => ({ id, body: id === IMPORTS ? renamed(new Reader(body), rename) : body })));
}

function* sectionsOf(bytes) {
  const reader = new Reader(bytes);
  reader.take(HEADER.length);
  while (!reader.isDone()) yield { id: reader.take(1)[0], body: reader.take(reader.number()) };
}

function write(sections) {
  return Buffer.concat([HEADER, ...sections.flatMap(({ id, body }) => [Buffer.from([id]), leb(body.length), body])]);
}

/** `\0asm`, version 1. */
const HEADER = Buffer.from([0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00]);

function renamed(reader, rename) {
  const count = reader.number();
  const parts = [leb(count)];
  for (let index = 0; index < count; index++) {
    const module = reader.take(reader.number());
    const name = rename(reader.take(reader.number()).toString());
    const kind = reader.take(1);
    if (kind[0] !== 0) throw new Error(`the import ${name} is of kind ${kind[0]}`);
    const type = reader.number();
    parts.push(leb(module.length), module, text(name), kind, leb(type));
  }
  return Buffer.concat(parts);
}

class Reader {
  #bytes;
  #at = 0;

  constructor(bytes) {
    this.#bytes = Buffer.from(bytes);
  }

  isDone() {
    return this.#at >= this.#bytes.length;
  }

  take(length) {
    this.#at += length;
    return this.#bytes.subarray(this.#at - length, this.#at);
  }

  /** LEB128, unsigned. */
  number() {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const [byte] = this.take(1);
      value |= (byte & 0x7f) << shift;
      if (byte < 0x80) return value;
    }
  }
}

function text(words) {
  const bytes = Buffer.from(words);
  return Buffer.concat([leb(bytes.length), bytes]);
}

function leb(value) {
  const bytes = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return Buffer.from([...bytes, value]);
}
