/** What belongs to an account beside its calls: history, contacts, messages, lamps, devices. Kept in the browser. */
import { type Call, type CallEnd, type MessageReceivedEvent, type Party, SipError, type UserAgent } from "../../index.js";
import { partyName } from "../base.js";
import { settled, withEntry, withRead, withResult } from "./chats.js";
import { keep, readKept, readList } from "./keep.js";
import { Lamps } from "./lamps.js";
import { bareAddress, type Chat, type ChatEntry, type Contact, type HistoryEntry, type PhoneState } from "./state.js";

/** How many calls are remembered. */
const LONGEST_HISTORY = 100;
/** How many contacts are kept. */
const MOST_CONTACTS = 500;

/** How long a microphone is listened to, in milliseconds. */
const LISTEN = 2_000;

/** The part of the phone's state that this keeps. */
export type DeskState = Pick<PhoneState, "history" | "contacts" | "lamps" | "chats" | "chat" | "voicemail" | "doNotDisturb" | "notifications" | "devices" | "microphone">;

/** One account's desk. */
export class Desk {
  readonly #account: string;
  readonly #agent: UserAgent;
  readonly #lamps: Lamps;
  readonly #read: () => PhoneState;
  readonly #update: (change: Partial<DeskState>) => void;

  constructor(account: string, agent: UserAgent, read: () => PhoneState, update: (change: Partial<DeskState>) => void) {
    this.#account = bareAddress(account);
    this.#agent = agent;
    this.#read = read;
    this.#update = update;
    this.#lamps = new Lamps(agent, {
      onLamp: (uri, lamp) => { update({ lamps: { ...read().lamps, [uri]: lamp } }); },
      onVoicemail: (voicemail) => { update({ voicemail }); },
    });
    agent.devices.on("devicechange", () => void this.showDevices());
    agent.on("message", (event) => { this.#receive(event); });
  }

  /** Shows what was kept and asks the server for what it knows. */
  open(): void {
    const contacts = readList<Contact>(this.#account, "contacts", isContact);
    const doNotDisturb = readKept(this.#account, "doNotDisturb", false);
    this.#agent.doNotDisturb = doNotDisturb;
    this.#update({
      contacts,
      history: readList<HistoryEntry>(this.#account, "history", isHistory),
      chats: readList<Chat>(this.#account, "chats", isChat).map(settled),
      doNotDisturb,
      notifications: readKept(this.#account, "notifications", false),
    });
    this.#lamps.follow(contacts.map(({ uri }) => uri));
    this.#lamps.followVoicemail(`sip:${this.#account}`);
    void this.showDevices();
  }

  close(): void {
    this.#lamps.close();
  }

  /** A call is over. */
  remember({ direction, remote, duration, startedAt, answeredAt }: Call, end: CallEnd): void {
    const missed = direction === "incoming" && !answeredAt && end.by !== "local";
    const entry: HistoryEntry = { direction, uri: remote.uri, name: this.nameOf(remote), at: startedAt.getTime(), duration, missed };
    this.#keepHistory([entry, ...this.#read().history].slice(0, LONGEST_HISTORY));
  }

  /** Somebody called and was not let through: not to disturb, or one call too many. */
  rememberMissed(from: Party): void {
    const entry: HistoryEntry = { direction: "incoming", uri: from.uri, name: this.nameOf(from), at: Date.now(), duration: 0, missed: true };
    this.#keepHistory([entry, ...this.#read().history].slice(0, LONGEST_HISTORY));
  }

  clearHistory(): void {
    this.#keepHistory([]);
  }

  /** What the address book calls somebody, else what they call themselves. */
  nameOf(party: { readonly uri: string; readonly displayName?: string }): string {
    const address = bareAddress(party.uri);
    return this.#read().contacts.find(({ uri }) => bareAddress(uri) === address)?.name ?? partyName(party);
  }

  addContact(contact: Contact): void {
    const others = this.#read().contacts.filter(({ uri }) => uri !== contact.uri);
    this.#keepContacts([...others, contact].sort((a, b) => a.name.localeCompare(b.name)).slice(0, MOST_CONTACTS));
  }

  removeContact(contact: Contact): void {
    this.#keepContacts(this.#read().contacts.filter(({ uri }) => uri !== contact.uri));
  }

  /** Opens a conversation, or none. */
  openChat(uri: string | undefined): void {
    const address = uri && bareAddress(uri);
    this.#update({ chat: address });
    if (address) this.#keepChats(withRead(this.#read().chats, address));
  }

  async send(uri: string, text: string): Promise<void> {
    const at = Date.now();
    this.#keepChats(withEntry(this.#read().chats, { uri, name: this.nameOf({ uri }) }, { mine: true, text, at, state: "sending" }, true));
    const result = await this.#agent.message(uri, text).then(() => "sent" as const, () => "failed" as const);
    this.#keepChats(withResult(this.#read().chats, uri, at, result));
  }

  setDoNotDisturb(on: boolean): void {
    this.#agent.doNotDisturb = on;
    this.#update({ doNotDisturb: on });
    keep(this.#account, "doNotDisturb", on);
  }

  setNotifications(on: boolean): void {
    this.#update({ notifications: on });
    keep(this.#account, "notifications", on);
  }

  /** Names the microphones and loudspeakers; their names come once the microphone was allowed. */
  async showDevices(): Promise<void> {
    const { devices } = this.#agent;
    const list = await devices.list().catch(() => []);
    this.#update({ devices: { list, input: devices.input, output: devices.output, ringer: devices.ringer, canSetOutput: devices.canSetOutput } });
  }

  /** A refusal leaves the choice as it was, and shows it. */
  async choose(which: "input" | "output" | "ringer", id: string): Promise<void> {
    const { devices } = this.#agent;
    const set = { input: () => devices.setInput(id), output: () => devices.setOutput(id), ringer: () => devices.setRinger(id) };
    await set[which]().catch(() => undefined);
    await this.showDevices();
  }

  async testMicrophone(): Promise<void> {
    if (this.#read().microphone.phase === "running") return;
    this.#update({ microphone: { phase: "running", level: 0 } });
    const onLevel = (level: number): void => { this.#update({ microphone: { phase: "running", level } }); };
    try {
      const { heard, peak } = await this.#agent.devices.testMicrophone({ duration: LISTEN, onLevel });
      this.#update({ microphone: { phase: heard ? "heard" : "silent", level: peak } });
    } catch (thrown) {
      this.#update({ microphone: { phase: "failed", level: 0, errorCode: SipError.from(thrown).code } });
    }
    await this.showDevices();
  }

  #receive({ from, contentType, body }: MessageReceivedEvent): void {
    if (typeof body !== "string" || !contentType.startsWith("text/")) return;
    const { chats, chat, view } = this.#read();
    const isOpen = view === "messages" && chat === bareAddress(from.uri);
    this.#keepChats(withEntry(chats, { uri: from.uri, name: this.nameOf(from) }, { mine: false, text: body, at: Date.now(), state: "sent" }, isOpen));
  }

  #keepHistory(history: readonly HistoryEntry[]): void {
    this.#update({ history });
    keep(this.#account, "history", history);
  }

  #keepContacts(contacts: readonly Contact[]): void {
    this.#update({ contacts });
    keep(this.#account, "contacts", contacts);
    this.#lamps.follow(contacts.map(({ uri }) => uri));
  }

  #keepChats(chats: readonly Chat[]): void {
    this.#update({ chats });
    keep(this.#account, "chats", chats);
  }
}

function isContact({ name, uri }: Partial<Contact>): boolean {
  return typeof name === "string" && typeof uri === "string";
}

function isHistory({ name, uri, at, duration }: Partial<HistoryEntry>): boolean {
  return typeof name === "string" && typeof uri === "string" && Number.isFinite(at) && Number.isFinite(duration);
}

function isChat({ name, uri, entries }: Partial<Chat>): boolean {
  return typeof name === "string" && typeof uri === "string" && Array.isArray(entries) && entries.every(isEntry);
}

function isEntry(entry: unknown): boolean {
  const { text, at } = (entry ?? {}) as Partial<ChatEntry>;
  return typeof text === "string" && Number.isFinite(at);
}
