/** The account of the relay's demo exchange; the test names the relay in the page's address. */
export function useDemoAccount(button) {
  button.server = new URLSearchParams(location.search).get("server");
  button.uri = "sip:alice@demo.localhost";
  button.password = "alice-secret";
}
