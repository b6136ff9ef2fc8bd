/** The conversations in writing: a list of values, and what a message does to it. */
import { bareAddress, type Chat, type ChatEntry } from "./state.js";

/** How many messages of one conversation are kept. */
const LONGEST = 200;
/** How many conversations are kept. */
const MOST = 50;

/** The conversation with somebody moves to the front with one entry more. */
export function withEntry(chats: readonly Chat[], who: { uri: string; name: string }, entry: ChatEntry, isOpen: boolean): Chat[] {
  const uri = bareAddress(who.uri);
  const old = chats.find((chat) => chat.uri === uri) ?? { uri, name: who.name, entries: [], unread: 0 };
  const unread = entry.mine || isOpen ? 0 : old.unread + 1;
  const chat = { ...old, name: who.name, unread, entries: [...old.entries, entry].slice(-LONGEST) };
  return [chat, ...chats.filter((each) => each.uri !== uri)].slice(0, MOST);
}

/** What became of a message that was being sent. */
export function withResult(chats: readonly Chat[], uri: string, at: number, state: ChatEntry["state"]): Chat[] {
  const settle = (entry: ChatEntry): ChatEntry => (entry.mine && entry.at === at ? { ...entry, state } : entry);
  return chats.map((chat) => (chat.uri === bareAddress(uri) ? { ...chat, entries: chat.entries.map(settle) } : chat));
}

/** What a page that is gone was sending is not known to have arrived. */
export function settled(chat: Chat): Chat {
  return { ...chat, entries: chat.entries.map((entry) => (entry.state === "sending" ? { ...entry, state: "failed" } : entry)) };
}

/** Somebody's messages were looked at. */
export function withRead(chats: readonly Chat[], uri: string): Chat[] {
  return chats.map((chat) => (chat.uri === uri ? { ...chat, unread: 0 } : chat));
}
