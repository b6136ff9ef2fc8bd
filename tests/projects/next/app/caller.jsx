"use client";
// Evaluated on the server too, where there is no customElements.
import "switchhook/element/define/call-button";

export function Caller({ server }) {
  return <call-button to="echo" label="Call us" server={server} uri="sip:alice@demo.localhost" password="alice-secret" />;
}
