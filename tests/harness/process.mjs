// Starts programs, waits for facts and not for seconds, and ends exactly what it started.

import { spawn } from "node:child_process";
import dgram from "node:dgram";
import { createWriteStream, mkdirSync } from "node:fs";
import { readFile } from "node:fs/promises";
import net from "node:net";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { logs } from "./paths.mjs";

/** Ended with this process, also when a test crashes it or takes too long, which is when node:test sends SIGTERM. */
const running = new Set();
process.once("exit", () => running.forEach((child) => child.kill("SIGTERM")));
process.once("SIGTERM", () => process.exit(143));

/** A running program whose output is kept and searchable. */
export class Program {
  #child;
  #output = "";
  #waiting = new Set();

  constructor(name, command, args, { env = process.env, ...options } = {}) {
    mkdirSync(logs, { recursive: true });
    this.name = name;
    this.logFile = path.join(logs, `${name}.log`);
    const log = createWriteStream(this.logFile);
    this.#child = spawn(command, args, {
      stdio: ["pipe", "pipe", "pipe"],
      // What is searched for must not be coloured; where CI is set, some programs do that to pipes as well.
      env: { ...env, NO_COLOR: "1", FORCE_COLOR: undefined },
      ...options,
    });
    running.add(this.#child);
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream.setEncoding("utf8");
      stream.on("data", (text) => {
        log.write(text);
        this.#output += text;
        for (const check of this.#waiting) check();
      });
    }
    this.ended = new Promise((resolve) => {
      this.#child.once("error", (error) => resolve({ code: null, error }));
      this.#child.once("close", (code, signal) => resolve({ code, signal }));
    }).then((end) => {
      this.end = end;
      running.delete(this.#child);
      log.end();
      for (const check of this.#waiting) check();
      return end;
    });
  }

  get pid() {
    return this.#child.pid;
  }

  get output() {
    return this.#output;
  }

  /** The match of `pattern` in the output, now or as soon as it comes. */
  async line(pattern, ms = 15_000) {
    let check;
    const found = new Promise((resolve, reject) => {
      check = () => {
        const match = pattern.exec(this.#output);
        if (match) resolve(match);
        else if (this.end) reject(new Error(`${this.name} ended (${describe(this.end)}) before it said ${pattern}; see ${this.logFile}\n${tail(this.#output)}`));
      };
      this.#waiting.add(check);
      check();
    });
    try {
      return await within(found, ms, () => `${this.name} did not say ${pattern}; see ${this.logFile}\n${tail(this.#output)}`);
    } finally {
      this.#waiting.delete(check);
    }
  }

  write(text) {
    this.#child.stdin.write(text);
  }

  /** How it ended, within `ms`. */
  exit(ms = 40_000) {
    return within(this.ended, ms, () => `${this.name} was still running after ${ms} ms; see ${this.logFile}`);
  }

  async stop() {
    if (this.end) return;
    this.#child.kill("SIGTERM");
    const gone = await Promise.race([this.ended.then(() => true), delay(3_000).then(() => false)]);
    if (!gone) {
      this.#child.kill("SIGKILL");
      // What it started itself may keep its output open.
      for (const stream of [this.#child.stdout, this.#child.stderr]) stream.destroy();
    }
    await this.ended;
  }
}

function describe({ code, signal, error }) {
  return error ? error.message : `code ${code}${signal ? `, ${signal}` : ""}`;
}

function tail(text) {
  return text.split("\n").slice(-15).join("\n");
}

/** `promise`, or an error with `sentence()` after `ms`. */
export async function within(promise, ms, sentence) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${sentence()} (${ms} ms)`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

/** Asks until `question()` gives something truthy. */
export async function until(question, { ms = 10_000, every = 50, what = `${question}` } = {}) {
  const end = Date.now() + ms;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`this did not become true in ${ms} ms: ${typeof what === "function" ? what() : what}`);
    await delay(every);
  }
}

/** Below the ports that the system gives to whoever asks for none. */
const PORTS = { first: 10_240, last: 32_767 };

/** A port on loopback that was free a moment ago, for TCP and for UDP, and that is even. */
export async function freePort() {
  for (;;) {
    const port = 2 * Math.floor((PORTS.first + Math.random() * (PORTS.last - PORTS.first)) / 2);
    if ((await isFree(dgram.createSocket("udp4"), "bind", port)) && (await isFree(net.createServer(), "listen", port))) return port;
  }
}

function isFree(socket, take, port) {
  return new Promise((resolve) => {
    socket.once("error", () => resolve(false));
    socket[take](port, "127.0.0.1", () => socket.close(() => resolve(true)));
  });
}

/** Does a program on this machine have this UDP port? Only looked up: who tries to bind it is in that program's way. */
export async function isBound(port) {
  const hex = port.toString(16).toUpperCase().padStart(4, "0");
  return (await readFile("/proc/net/udp", "utf8")).split("\n").some((row) => row.trim().split(/\s+/)[1]?.endsWith(`:${hex}`));
}

/** Stops everything it was given, last first, and goes on where one of them fails. */
export class Stack {
  #things = [];

  add(thing) {
    this.#things.push(thing);
    return thing;
  }

  async stop() {
    const errors = [];
    for (const thing of this.#things.reverse()) {
      await Promise.resolve(thing.stop()).catch((error) => errors.push(error));
    }
    this.#things = [];
    if (errors.length > 0) throw errors[0];
  }
}
