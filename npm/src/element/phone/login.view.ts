/** The screen of `<web-phone>` that asks for an account: as a PBX hands it out, or as one SIP address. */
import type { Account } from "../../index.js";
import { h, setText } from "../base.js";
import { icon } from "../icons.js";
import { errorText, type Messages } from "../messages.js";
import type { WebPhoneActions } from "./actions.js";
import { field } from "./parts.js";
import type { PhoneState } from "./state.js";

/** What the form can be filled with. */
export interface Login {
  /** The WebSocket: the outbound proxy of RFC 7118. */
  readonly server?: string;
  /** The SIP address, in place of `login`, `domain` and `port`. */
  readonly uri?: string;
  readonly login?: string;
  readonly domain?: string;
  /** The registrar's port, where it is not found by its name. */
  readonly port?: string;
  /** Where it differs from the login. */
  readonly authorizationName?: string;
  readonly password?: string;
  readonly displayName?: string;
}

type FieldName = Exclude<keyof Login, "uri">;

const PLAIN = { type: "text", autocapitalize: "off", spellcheck: "false", dir: "ltr" };

/** A form of what everybody needs, and a fold with the rest. */
export class LoginScreen {
  readonly element: HTMLFormElement;
  readonly #inputs: Record<FieldName, HTMLInputElement> = {
    server: h("input", { ...PLAIN, name: "server", inputmode: "url", required: true, placeholder: "wss://sip.example.com/sip" }),
    login: h("input", { ...PLAIN, name: "login", required: true, autocomplete: "username", placeholder: "alice" }),
    domain: h("input", { ...PLAIN, name: "domain", inputmode: "url", placeholder: "example.com" }),
    password: h("input", { name: "password", type: "password", autocomplete: "current-password", dir: "ltr" }),
    authorizationName: h("input", { ...PLAIN, name: "authorization-name", autocomplete: "off" }),
    port: h("input", { ...PLAIN, name: "port", inputmode: "numeric", pattern: "[0-9]{1,5}", placeholder: "5060" }),
    displayName: h("input", { name: "display-name", type: "text", autocomplete: "name", dir: "auto" }),
  };
  readonly #captions: Record<FieldName, HTMLElement> = { server: h("span"), login: h("span"), domain: h("span"), password: h("span"), authorizationName: h("span"), port: h("span"), displayName: h("span") };
  readonly #hint = h("p", { class: "hint" });
  readonly #more = h("summary");
  readonly #problemText = h("span");
  readonly #problem = h("p", { part: "problem", class: "problem" }, icon("alert"), this.#problemText);
  readonly #submit = h("button", { type: "submit", part: "sign-in", class: "wide" });

  constructor(actions: WebPhoneActions) {
    const fields = (...names: FieldName[]): HTMLElement[] => names.map((name) => field(this.#captions[name], this.#inputs[name]));
    this.element = h("form", { part: "login", class: "screen login" },
      this.#hint,
      ...fields("server"),
      h("div", { class: "pair" }, ...fields("login", "domain")),
      ...fields("password"),
      h("details", { part: "more" }, this.#more, h("div", { class: "pair" }, ...fields("authorizationName", "port")), ...fields("displayName")),
      this.#problem,
      this.#submit);
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      actions.ask({ type: "signIn", server: this.#value("server"), account: this.#account() });
    });
  }

  /** The first field that still needs something. */
  get first(): HTMLElement {
    const { server, login, password } = this.#inputs;
    return [server, login, password].find(({ value }) => value === "") ?? this.#submit;
  }

  /** Fills what is named; the rest stays. */
  fill({ uri, ...login }: Login): void {
    for (const [name, value] of Object.entries(uri === undefined ? login : { ...login, ...split(uri) })) {
      this.#inputs[name as FieldName].value = value;
    }
  }

  render({ session, problem }: PhoneState, { call, phone }: Messages): void {
    const captions: Record<FieldName, string> = {
      server: phone.server, login: phone.login, domain: phone.domain, password: phone.password, authorizationName: phone.authorizationName, port: phone.port, displayName: phone.displayName,
    };
    Object.entries(captions).forEach(([name, text]) => { setText(this.#captions[name as FieldName], text); });
    setText(this.#more, phone.moreSettings);
    setText(this.#hint, phone.signInHint);
    setText(this.#submit, session === "signingIn" ? phone.registering : phone.signIn);
    setText(this.#problemText, problem ? errorText(call, problem, phone.errors) : "");
    this.#problem.hidden = problem === undefined;
    this.#submit.disabled = session === "signingIn";
  }

  #value(name: FieldName): string {
    return this.#inputs[name].value.trim();
  }

  /** A whole address as login is taken as such; without a domain, the server's host is it. */
  #account(): Account {
    const { login, domain, port } = split(this.#value("login"));
    const host = (domain ?? this.#value("domain")) || hostOf(this.#value("server"));
    const withPort = port ?? this.#value("port");
    const [authorizationName, displayName] = [this.#value("authorizationName"), this.#value("displayName")];
    return {
      uri: `sip:${login}@${host}${withPort ? `:${withPort}` : ""}`,
      ...(authorizationName && { authorizationName }),
      ...(this.#inputs.password.value && { password: this.#inputs.password.value }),
      ...(displayName && { displayName }),
    };
  }
}

/** The parts of `sip:alice@example.com:5070`. */
function split(uri: string): { login: string; domain?: string; port?: string } {
  const [, login = uri, domain, port] = /^(?:sips?:)?([^@]*)(?:@(\[[^\]]*\]|[^:;]*)(?::(\d+))?)?/i.exec(uri) ?? [];
  return { login, ...(domain !== undefined && { domain }), ...(port !== undefined && { port }) };
}

function hostOf(server: string): string {
  try {
    return new URL(server, document.baseURI).hostname;
  } catch {
    return "";
  }
}
