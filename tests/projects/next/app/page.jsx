import { Caller } from "./caller.jsx";

/** Rendered for each visit: what the page's address says is read here, on the server. */
export default async function Page({ searchParams }) {
  const { server } = await searchParams;
  return <Caller server={server} />;
}
