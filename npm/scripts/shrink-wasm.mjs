// What cargo and wasm-opt cannot take out of the module: the texts of panics, and the long names of imports.

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

const IMPORTS = 2;

/** The binary with each import renamed. Only functions and an externref table or a memory are imported here. */
function mapImports(bytes, rename) {
  const reader = new Reader(bytes);
  const parts = [reader.take(8)];
  while (!reader.isDone()) {
    const id = reader.take(1);
    const section = reader.take(reader.number());
    const body = id[0] === IMPORTS ? renamed(new Reader(section), rename) : section;
    parts.push(id, leb(body.length), body);
  }
  return Buffer.concat(parts);
}

function renamed(reader, rename) {
  const count = reader.number();
  const parts = [leb(count)];
  for (let index = 0; index < count; index++) {
    const module = reader.take(reader.number());
    const name = Buffer.from(rename(reader.take(reader.number()).toString()));
    const kind = reader.take(1);
    if (kind[0] !== 0) throw new Error(`the import ${name} is of kind ${kind[0]}`);
    const type = reader.number();
    parts.push(leb(module.length), module, leb(name.length), name, kind, leb(type));
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

function leb(value) {
  const bytes = [];
  for (; value > 0x7f; value >>>= 7) bytes.push((value & 0x7f) | 0x80);
  return Buffer.from([...bytes, value]);
}
