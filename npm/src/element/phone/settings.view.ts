/** The screen of `<web-phone>` with devices, disturbance and the log. */
import type { AudioDevice } from "../../index.js";
import { h, setText } from "../base.js";
import { errorText, type Messages } from "../messages.js";
import type { WebPhoneActions } from "./actions.js";
import { field, textButton } from "./parts.js";
import type { Devices, MicrophoneCheck, PhoneState } from "./state.js";

type Choice = "input" | "output" | "ringer";

/** Microphone, loudspeakers, do not disturb, notifications. */
export class SettingsScreen {
  readonly element: HTMLElement;
  readonly #selects: Record<Choice, HTMLSelectElement> = { input: h("select", { part: "input" }), output: h("select", { part: "output" }), ringer: h("select", { part: "ringer" }) };
  readonly #captions: Record<Choice, HTMLElement> = { input: h("span"), output: h("span"), ringer: h("span") };
  readonly #fields: Record<Choice, HTMLElement>;
  readonly #meter = h("meter", { part: "microphone-level", min: "0", max: "1", low: "0.25" });
  readonly #test: HTMLButtonElement;
  readonly #outcome = h("p", { part: "microphone-outcome", class: "hint", "aria-live": "polite" });
  readonly #disturb = h("input", { type: "checkbox", role: "switch", part: "do-not-disturb" });
  readonly #notify = h("input", { type: "checkbox", role: "switch", part: "notifications" });
  readonly #disturbText = h("span", { class: "grow" });
  readonly #notifyText = h("span", { class: "grow" });
  readonly #log: HTMLButtonElement;
  #listed: readonly AudioDevice[] | undefined;
  #default = "";

  constructor({ ask }: WebPhoneActions) {
    this.#fields = { input: field(this.#captions.input, this.#selects.input), output: field(this.#captions.output, this.#selects.output), ringer: field(this.#captions.ringer, this.#selects.ringer) };
    this.#test = textButton("test-microphone", "wide quiet", () => { ask({ type: "testMicrophone" }); });
    this.#log = textButton("save-log", "wide quiet", () => { ask({ type: "saveLog" }); });
    for (const which of ["input", "output", "ringer"] as const) {
      this.#selects[which].addEventListener("change", () => { ask({ type: which, id: this.#selects[which].value }); });
    }
    this.#disturb.addEventListener("change", () => { ask({ type: "doNotDisturb", on: this.#disturb.checked }); });
    this.#notify.addEventListener("change", () => { ask({ type: "notifications", on: this.#notify.checked }); });
    this.element = h("div", { part: "settings", class: "screen list stack" },
      h("label", { class: "switch" }, this.#disturbText, this.#disturb),
      h("label", { class: "switch" }, this.#notifyText, this.#notify),
      this.#fields.input, this.#meter, this.#test, this.#outcome, this.#fields.output, this.#fields.ringer, this.#log);
  }

  get first(): HTMLElement {
    return this.#disturb;
  }

  render({ devices, microphone, doNotDisturb, notifications }: PhoneState, messages: Messages): void {
    const { call, phone } = messages;
    this.#renderDevices(devices, call.systemDefault);
    this.#renderMicrophone(microphone, messages);
    this.#disturb.checked = doNotDisturb;
    this.#notify.checked = notifications;
    setText(this.#captions.input, call.microphone);
    setText(this.#captions.output, call.loudspeaker);
    setText(this.#captions.ringer, phone.ringer);
    setText(this.#disturbText, phone.doNotDisturb);
    setText(this.#notifyText, phone.notifications);
    setText(this.#test, phone.testMicrophone);
    setText(this.#log, phone.saveLog);
    this.#meter.setAttribute("aria-label", call.microphone);
  }

  /** A list that is unfolded must not be replaced under the mouse. */
  #renderDevices(devices: Devices, systemDefault: string): void {
    this.#fields.output.hidden = this.#fields.ringer.hidden = !devices.canSetOutput;
    const { input, output, ringer } = this.#selects;
    if (this.#listed !== devices.list || this.#default !== systemDefault) {
      this.#listed = devices.list;
      this.#default = systemDefault;
      for (const [select, kind] of [[input, "input"], [output, "output"], [ringer, "output"]] as const) {
        const named = devices.list.filter((device) => device.kind === kind && device.label !== "");
        select.replaceChildren(h("option", { value: "" }, systemDefault), ...named.map(({ id, label }) => h("option", { value: id }, label)));
      }
    }
    input.value = devices.input;
    output.value = devices.output;
    ringer.value = devices.ringer;
  }

  #renderMicrophone({ phase, level, errorCode }: MicrophoneCheck, { call, phone }: Messages): void {
    const texts = { none: "", running: phone.speakNow, heard: phone.microphoneWorks, silent: phone.microphoneSilent, failed: errorText(call, errorCode ?? "other", phone.errors) };
    this.#meter.hidden = phase === "none" || phase === "failed";
    this.#meter.value = level;
    this.#test.setAttribute("aria-disabled", String(phase === "running"));
    this.#outcome.hidden = phase === "none";
    setText(this.#outcome, texts[phase]);
  }
}
