/** The softphone's page: accounts that sign in with a click, numbers that are put into the display with one. */
import "switchhook/element/define/web-phone";
import { byId, type DemoAccount, type DemoNumber, fetchDemo } from "./demo.js";

const phone = document.querySelector("web-phone");

const demo = await fetchDemo();
if (demo && phone) {
  const { server, accounts, numbers } = demo;
  const [first] = accounts;
  if (first) phone.fill({ server, ...first });
  byId("accounts").append(...accounts.map((account) => accountRow(server, account)));
  byId("numbers").append(...numbers.map(numberRow));
} else {
  byId("offline").hidden = false;
}

function accountRow(server: string, account: DemoAccount): HTMLElement {
  return row(account.displayName, account.uri.replace(/^sip:/, ""), () => {
    phone?.signOut();
    phone?.fill({ server, ...account });
    phone?.signIn();
  });
}

function numberRow({ number, description }: DemoNumber): HTMLElement {
  return row(number, description, () => {
    phone?.dial(number);
    phone?.focus();
  });
}

/** An entry of a list that does something. */
function row(title: string, text: string, act: () => void): HTMLElement {
  const button = Object.assign(document.createElement("button"), { type: "button" });
  button.append(
    Object.assign(document.createElement("strong"), { textContent: title }),
    Object.assign(document.createElement("span"), { textContent: text }),
  );
  button.addEventListener("click", act);
  const item = document.createElement("li");
  item.append(button);
  return item;
}
