/** Addresses as `switchhook/compat/jssip` reads and writes them. */
import { NameAddrHeader, URI } from "../src/compat/jssip/address.js";
import { same, test } from "./harness.js";

test("a user is written with what an address allows, and the rest is escaped", () => {
  for (const user of ["+4930123", "a&b=c", "x$,;?/", "*97", "o'neil!"]) same(new URI("sip", user, "example.com").toAor(), `sip:${user}@example.com`);
  same(new URI("sip", "a b@c#ü", "example.com").toAor(), "sip:a%20b%40c%23%C3%BC@example.com");
});

test("a user is read as it is meant, and back", () => {
  same(URI.parse("sip:%2B4930@example.com:5080")?.user, "+4930");
  same(String(URI.parse("sip:a%20b@example.com:5080")), "sip:a%20b@example.com:5080");
});

test("a user whose escapes are none stays as it is", () => {
  same(URI.parse("sip:%FF@example.com")?.user, "%FF");
  same(NameAddrHeader.of({ uri: "sip:100%@example.com" }).uri.user, "100%");
});
