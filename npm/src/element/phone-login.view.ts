/** The screen of `<web-phone>` that asks for an account. */
import type { Account } from "../index.js";
import { h, setText } from "./base.js";
import { icon } from "./icons.js";
import { errorText, type Messages } from "./messages.js";
import type { WebPhoneActions } from "./phone-actions.js";
import type { PhoneState } from "./phone-store.js";

/** What the form can be filled with. */
export interface Login {
  readonly server?: string;
  readonly uri?: string;
  readonly password?: string;
  readonly displayName?: string;
}

/** A form of four fields. */
export class LoginScreen {
  readonly element: HTMLFormElement;
  readonly #server = h("input", { name: "server", type: "text", inputmode: "url", required: true, autocapitalize: "off", spellcheck: "false", dir: "ltr" });
  readonly #uri = h("input", { name: "uri", type: "text", inputmode: "email", required: true, autocomplete: "username", autocapitalize: "off", spellcheck: "false", placeholder: "sip:alice@example.com", dir: "ltr" });
  readonly #password = h("input", { name: "password", type: "password", autocomplete: "current-password", dir: "ltr" });
  readonly #name = h("input", { name: "display-name", type: "text", autocomplete: "name", dir: "auto" });
  readonly #hint = h("p", { class: "hint" });
  readonly #problemText = h("span");
  readonly #problem = h("p", { part: "problem", class: "problem" }, icon("alert"), this.#problemText);
  readonly #submit = h("button", { type: "submit", part: "sign-in", class: "wide" });
  readonly #captions = [h("span"), h("span"), h("span"), h("span")] as const;
  readonly #note = h("span", { class: "note" });

  constructor(actions: WebPhoneActions) {
    const [server, uri, password, name] = this.#captions;
    this.element = h("form", { part: "login", class: "screen login" },
      this.#hint,
      h("label", { class: "field" }, server, this.#server),
      h("label", { class: "field" }, uri, this.#uri),
      h("label", { class: "field" }, password, this.#password),
      h("label", { class: "field" }, h("span", {}, name, " ", this.#note), this.#name),
      this.#problem,
      this.#submit);
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      actions.onSignIn(this.#server.value.trim(), this.#account());
    });
  }

  /** The first field that still needs something. */
  get first(): HTMLElement {
    return [this.#server, this.#uri, this.#password].find(({ value }) => value === "") ?? this.#submit;
  }

  /** Fills what is named; the rest stays. */
  fill({ server, uri, password, displayName }: Login): void {
    this.#server.value = server ?? this.#server.value;
    this.#uri.value = uri ?? this.#uri.value;
    this.#password.value = password ?? this.#password.value;
    this.#name.value = displayName ?? this.#name.value;
  }

  render({ session, problem }: PhoneState, { call, phone }: Messages): void {
    const captions = [phone.server, phone.address, phone.password, phone.displayName];
    this.#captions.forEach((caption, index) => { setText(caption, captions[index] ?? ""); });
    setText(this.#note, `(${phone.optional})`);
    setText(this.#hint, phone.signInHint);
    setText(this.#submit, session === "signingIn" ? phone.registering : phone.signIn);
    setText(this.#problemText, problem ? errorText(call, problem) : "");
    this.#problem.hidden = problem === undefined;
    this.#submit.disabled = session === "signingIn";
  }

  /** `alice@example.com` is meant as a SIP address. */
  #account(): Account {
    const uri = this.#uri.value.trim();
    const displayName = this.#name.value.trim();
    return {
      uri: /^sips?:/i.test(uri) ? uri : `sip:${uri}`,
      ...(this.#password.value && { password: this.#password.value }),
      ...(displayName && { displayName }),
    };
  }
}
