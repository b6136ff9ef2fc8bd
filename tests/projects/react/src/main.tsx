import { useRef, useState } from "react";
import { createRoot } from "react-dom/client";
import { CallButton } from "switchhook/react";
import type { CallButton as CallButtonElement } from "switchhook/element";

function App({ server }: { server: string }) {
  const button = useRef<CallButtonElement>(null);
  const [log, setLog] = useState<string[]>([]);
  const note = (line: string) => setLog((lines) => [...lines, line]);
  return (
    <>
      <CallButton
        ref={button}
        className="call"
        server={server}
        to="echo"
        label="Call us"
        uri="sip:alice@demo.localhost"
        password="alice-secret"
        displayName="Alice"
        onCallRequest={(event) => note(`asked for ${event.number}`)}
        onCallStart={({ call }) => note(`started: ${call.direction}`)}
        onCallEnd={({ end }) => note(`ended after ${log.length} events by ${end.by}`)}
      />
      <button onClick={() => button.current?.hangUp()}>Enough</button>
      <output>{log.join("; ")}</output>
    </>
  );
}

// @ts-expect-error: there is no such theme.
export const wrong = <CallButton theme="pink" />;

createRoot(document.getElementById("app")!).render(<App server={new URLSearchParams(location.search).get("server") ?? ""} />);
