/** What a page or a person wants of a `<web-phone>`; one that does not fit the moment is ignored. */
import type { Account } from "../../index.js";
import type { Contact, PhoneTab } from "./state.js";

/** One request. */
export type PhoneRequest =
  | { readonly type: "signIn"; readonly server: string; readonly account: Account }
  | { readonly type: "signOut" | "hangUp" | "dismiss" | "unlock" | "complete" | "followTransfer" | "refuseTransfer" | "clearHistory" | "testMicrophone" | "saveLog" | "callVoicemail" }
  /** Of the call that is shown, or of the one with this id. */
  | { readonly type: "answer" | "decline"; readonly id?: number }
  | { readonly type: "call"; readonly target: string }
  | { readonly type: "select"; readonly id: number }
  | { readonly type: "view"; readonly view: "talk" | PhoneTab }
  | { readonly type: "digits"; readonly digits: string }
  | { readonly type: "mute"; readonly muted: boolean }
  | { readonly type: "hold"; readonly held: boolean }
  | { readonly type: "transfer" | "consult"; readonly target: string }
  /** Everybody hears everybody; or the call that is shown is talked to alone again. */
  | { readonly type: "merge" | "separate" }
  /** Connects the other sides of two calls. */
  | { readonly type: "join"; readonly id: number }
  | { readonly type: "addContact" | "removeContact"; readonly contact: Contact }
  | { readonly type: "chat"; readonly uri: string | undefined }
  | { readonly type: "message"; readonly uri: string; readonly text: string }
  | { readonly type: "input" | "output" | "ringer"; readonly id: string }
  | { readonly type: "doNotDisturb" | "notifications"; readonly on: boolean };
