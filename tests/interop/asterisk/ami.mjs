// Asterisk's manager interface: actions with answers, and its events in the order they came.

import net from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { until, within } from "../../harness/process.mjs";

export class Ami {
  #socket;
  #rest = "";
  #answers = new Map();
  #count = 0;
  /** Everything it said, oldest first. */
  events = [];

  /** Connects as soon as Asterisk is up, as long as `while()` holds. */
  static async connect(port, { while: alive, ms = 40_000 }) {
    const ami = new Ami();
    const end = Date.now() + ms;
    for (;;) {
      if (!alive()) throw new Error("Asterisk ended at its start");
      if (await ami.#open(port)) break;
      if (Date.now() > end) throw new Error(`Asterisk did not open its manager port in ${ms} ms`);
      await delay(50);
    }
    await ami.action({ Action: "Login", Username: "tests", Secret: "tests" });
    await ami.event({ Event: "FullyBooted" }, ms);
    return ami;
  }

  /** Sends an action; gives its answer, or throws what it complains about. */
  async action(fields, ms = 10_000) {
    const ActionID = String(++this.#count);
    const answer = new Promise((resolve) => this.#answers.set(ActionID, resolve));
    this.#socket.write(`${Object.entries({ ...fields, ActionID }).map(([key, value]) => `${key}: ${value}\r\n`).join("")}\r\n`);
    const found = await within(answer, ms, () => `Asterisk's answer to ${fields.Action}`);
    if (found.Response === "Error") throw new Error(`Asterisk refuses ${JSON.stringify(fields)}: ${found.Message}`);
    return found;
  }

  /** The first event with these fields (strings, or patterns) that nobody took before. */
  async event(fields, ms = 10_000) {
    return until(() => this.#taken(fields), {
      ms,
      what: () => `Asterisk says ${describe(fields)}; it said ${this.events.slice(-40).map(({ Event, What, Channel }) => [Event, What, Channel].filter(Boolean).join(" ")).join(", ")}`,
    });
  }

  /** Forgets what was said so far. */
  forget() {
    this.events.length = 0;
  }

  close() {
    this.#socket?.destroy();
  }

  #taken(fields) {
    const index = this.events.findIndex((event) => Object.entries(fields).every(([key, wanted]) => matches(event[key], wanted)));
    return index >= 0 ? this.events.splice(index, 1)[0] : undefined;
  }

  #open(port) {
    return new Promise((resolve) => {
      const socket = net.connect(port, "127.0.0.1");
      socket.setEncoding("utf8");
      socket.once("connect", () => {
        this.#socket = socket;
        socket.on("data", (text) => this.#read(text));
        resolve(true);
      });
      socket.on("error", () => resolve(false));
    });
  }

  #read(text) {
    this.#rest += text;
    for (;;) {
      const end = this.#rest.indexOf("\r\n\r\n");
      if (end < 0) return;
      const fields = {};
      for (const line of this.#rest.slice(0, end).split("\r\n")) {
        const colon = line.indexOf(": ");
        if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
      }
      this.#rest = this.#rest.slice(end + 4);
      if (fields.Event) this.events.push(fields);
      else if (this.#answers.has(fields.ActionID)) this.#answers.get(fields.ActionID)(fields);
    }
  }
}

function matches(value, wanted) {
  return wanted instanceof RegExp ? wanted.test(value ?? "") : value === String(wanted);
}

function describe(fields) {
  return Object.entries(fields).map(([key, value]) => `${key}: ${value}`).join(", ");
}
