/** Presence: PIDF (RFC 3863) with the activities of RPID (RFC 4480), read and written. */
import { defined } from "../defined.js";
import { attribute, child, children, escapeXml, parseXml, text } from "./xml.js";

/** One way to reach somebody. */
export interface PresenceTuple {
  readonly id?: string;
  /** Can it be used now? */
  readonly basic?: "open" | "closed";
  /** Its address. */
  readonly contact?: string;
  /** Between 0 and 1; more is better. */
  readonly priority?: number;
  readonly note?: string;
  /** When this was said. */
  readonly timestamp?: Date;
}

/** Whether and how somebody can be reached. */
export interface Presence {
  /** Whose presence: `pres:bob@example.com` or `sip:…`. */
  readonly entity: string;
  /** `open` when any tuple is open; none when no tuple says. */
  readonly basic?: "open" | "closed";
  /** The first note for people. */
  readonly note?: string;
  /** What they do: `on-the-phone`, `meeting`, `away`, `busy`, … (RFC 4480 §3.2). */
  readonly activities: readonly string[];
  readonly tuples: readonly PresenceTuple[];
}

/** A presence to publish. */
export interface PresenceInit {
  basic: "open" | "closed";
  note?: string;
  /** Names of RFC 4480 §3.2: `on-the-phone`, `meeting`, `away`, `busy`, … */
  activities?: string[];
  /** Where to reach this account instead of its address. */
  contact?: string;
}

/** The presence in a document of type `application/pidf+xml`, or what is wrong with it. */
export function readPresence(document: string): Presence | string {
  const root = parseXml(document, "presence");
  if (typeof root === "string") return root;
  const tuples = children(root, "tuple").map(tuple);
  const people = [...children(root, "person"), ...children(root, "tuple")];
  const activities = people.flatMap((person) => children(person, "activities")).flatMap(({ children: all }) => [...all]);
  const notes = [root, ...people].flatMap((holder) => children(holder, "note"));
  return defined({
    entity: attribute(root, "entity") ?? "",
    basic: basicOf(tuples),
    note: notes.map((note) => note.textContent.trim()).find(Boolean),
    activities: activities.filter(({ localName }) => localName !== "note").map(activityName),
    tuples,
  });
}

/** A document that says this of `entity`. */
export function writePresence(entity: string, { basic, note, activities = [], contact }: PresenceInit): string {
  const lines = [
    "<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
    "<presence xmlns=\"urn:ietf:params:xml:ns:pidf\" xmlns:dm=\"urn:ietf:params:xml:ns:pidf:data-model\""
      + ` xmlns:rpid="urn:ietf:params:xml:ns:pidf:rpid" entity="${escapeXml(entity)}">`,
    "<tuple id=\"switchhook\">",
    `<status><basic>${basic}</basic></status>`,
    contact === undefined ? "" : `<contact>${escapeXml(contact)}</contact>`,
    note === undefined ? "" : `<note>${escapeXml(note)}</note>`,
    "</tuple>",
    activities.length === 0 ? "" : `<dm:person id="person"><rpid:activities>${activities.map(activity).join("")}</rpid:activities></dm:person>`,
    "</presence>",
  ];
  return lines.filter(Boolean).join("\n");
}

function tuple(element: Element): PresenceTuple {
  const basic = text(child(element, "status"), "basic")?.toLowerCase();
  const contact = child(element, "contact");
  const priority = Number(attribute(contact, "priority"));
  const timestamp = new Date(text(element, "timestamp") ?? NaN);
  return defined({
    id: attribute(element, "id"),
    basic: (["open", "closed"] as const).find((known) => known === basic),
    contact: text(element, "contact"),
    priority: Number.isFinite(priority) ? priority : undefined,
    note: text(element, "note"),
    timestamp: Number.isNaN(timestamp.getTime()) ? undefined : timestamp,
  });
}

function basicOf(tuples: readonly PresenceTuple[]): "open" | "closed" | undefined {
  const said = tuples.map(({ basic }) => basic).filter(Boolean);
  return said.includes("open") ? "open" : said[0];
}

/** `<other>fishing</other>` is called what it says. */
function activityName(element: Element): string {
  return element.localName === "other" ? element.textContent.trim() || "other" : element.localName;
}

function activity(name: string): string {
  return /^[a-z][a-z-]*$/.test(name) ? `<rpid:${name}/>` : `<rpid:other>${escapeXml(name)}</rpid:other>`;
}
