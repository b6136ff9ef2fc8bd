// What the three browser stacks have in common as the near side of a case: a journal of plain facts, and tones.

import { record, toneStream } from "/sound.js";

/** Everything that was said, each entry { name, id?, ... }. */
export const journal = [];

export const note = (name, facts = {}) => journal.push({ name, at: Math.round(performance.now()), ...JSON.parse(JSON.stringify(facts)) });

/** The first fact of that name (and of that call) that nobody took before. */
async function saw(name, id, ms = 10_000) {
  const end = performance.now() + ms;
  for (;;) {
    const index = journal.findIndex((entry) => !entry.taken && entry.name === name && (id === undefined || entry.id === id));
    if (index >= 0) {
      journal[index].taken = true;
      return journal[index];
    }
    if (performance.now() > end) {
      const said = journal.map((entry) => (entry.id ? `${entry.id} ${entry.name}` : entry.name)).join(", ");
      throw new Error(`the browser did not say ${name} in ${ms} ms; it said ${said || "nothing"}`);
    }
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

/** What each event package accepts, and what its body says, as plainly as the cases ask. */
export const PACKAGES = {
  "message-summary": { accept: "application/simple-message-summary", name: "lamp", read: (body) => ({ waiting: /Messages-Waiting: *yes/i.test(body) }) },
  presence: { accept: "application/pidf+xml", name: "watched", read: (body) => ({ basic: /<basic>(\w+)</.exec(body)?.[1] }) },
  dialog: { accept: "application/dialog-info+xml", name: "watched", read: (body) => ({ lamp: LAMPS[/<state[^>]*>(\w+)</.exec(body)?.[1]] ?? "idle" }) },
};
const LAMPS = { trying: "ringing", proceeding: "ringing", early: "ringing", confirmed: "busy" };

export const tone = (frequency) => toneStream(frequency, 0.25);

/** What every page offers beside its own phone. */
export function phone(own) {
  window.t = {
    loaded: true,
    saw,
    journal: () => journal,
    forget: () => void (journal.length = 0),
    record: async (id, ms) => {
      const stream = await own.heard(id);
      if (!stream) throw new Error("there is nothing to hear");
      return record(stream, ms);
    },
    ...own,
  };
}
