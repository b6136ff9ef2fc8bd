import { CallButton } from "switchhook/react";

/** Rendered for each visit: what the page's address says is read here, on the server. */
export default async function Page({ searchParams }) {
  const { server } = await searchParams;
  return <CallButton to="echo" label="Call us" server={server} uri="sip:alice@demo.localhost" password="alice-secret" />;
}
