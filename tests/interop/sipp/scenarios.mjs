// SIPp's part in each case: a phone at Kamailio, written as steps and made into a scenario file. It takes no orders
// during a call; how long it waits between its steps is written here.

const headers = (lines) => lines.filter(Boolean).join("\n");
const block = (text, attributes = "") => `<send${attributes}><![CDATA[\n${text}\n]]></send>`;

const SDP = (direction, version, { events = true } = {}) => `
v=0
o=sipp 1 ${version} IN IP[local_ip_type] [local_ip]
s=-
c=IN IP[media_ip_type] [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0${events ? " 101" : ""}
a=rtpmap:0 PCMU/8000
${events ? "a=rtpmap:101 telephone-event/8000\na=fmtp:101 0-15\n" : ""}a=${direction}
`;

const body = (type, text) => (text ? `Content-Type: ${type}\nContent-Length: [len]\n${text.startsWith("\n") ? text : `\n${text}`}` : "Content-Length: 0\n");

/** A request within the dialog. The first number of a scenario is free, so that each has its own. */
let count = 100;
function request(role, method, { extra, type, text, expect = 200, cseq, action = "" } = {}) {
  count += 1;
  const [from, to] = role === "uas" ? ["From:[$callee];tag=[pid]-[call_number]", "To:[$caller]"] : [CALLER, "To:[$to]"];
  return [
    block(
      headers([
        `${method} [next_url] SIP/2.0`,
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
        "[routes]",
        from,
        to,
        "[last_Call-ID:]",
        `CSeq: ${cseq ?? count} ${method}`,
        "Contact: <sip:phone@[local_ip]:[local_port]>",
        "Max-Forwards: 70",
        extra,
        body(type, text),
      ]),
      method === "ACK" ? "" : ' retrans="500"',
    ),
    ...(method === "ACK" ? [] : [`<recv response="100" optional="true"/><recv response="${expect}">${action}</recv>`]),
    ...(method === "INVITE" ? [request(role, "ACK", { cseq: count })] : []),
  ].join("\n");
}

const CALLER = 'From: "SIPp" <sip:bob@pbx.test>;tag=[pid]-[call_number]';

/** Answers what came last. */
function answer(status, { extra, type, text, tag = "" } = {}) {
  return block(
    headers([
      `SIP/2.0 ${status}`,
      "[last_Via:]",
      "[last_Record-Route:]",
      "[last_From:]",
      `[last_To:]${tag}`,
      "[last_Call-ID:]",
      "[last_CSeq:]",
      "Contact: <sip:phone@[local_ip]:[local_port]>",
      extra,
      body(type, text),
    ]),
  );
}

/** Another response to the INVITE, whatever came in between. */
const again = (status, extra) =>
  block(
    headers([
      `SIP/2.0 ${status}`,
      "Via:[$via]",
      "Via:[$via2]",
      "Record-Route:[$rr]",
      "From:[$caller]",
      "To:[$callee];tag=[pid]-[call_number]",
      "[last_Call-ID:]",
      "CSeq:[$cseq]",
      "Contact: <sip:phone@[local_ip]:[local_port]>",
      extra,
      body(),
    ]),
  );

const TAG = ";tag=[pid]-[call_number]";
const pause = (ms) => `<pause milliseconds="${ms}"/>`;
const matching = (pattern, { variable = "found", mustMatch = true } = {}) =>
  `<action><ereg regexp="${pattern}" search_in="msg" check_it="${mustMatch}" assign_to="${variable}"/></action>`;
const expect = (method, pattern, options) => `<recv request="${method}" crlf="true">${pattern ? matching(pattern, options) : ""}</recv>`;

const invited = `<recv request="INVITE" rrs="true" crlf="true"><action>
<ereg regexp=".*" search_in="hdr" header="From:" check_it="true" assign_to="caller"/>
<ereg regexp=".*" search_in="hdr" header="To:" check_it="true" assign_to="callee"/>
</action></recv>`;

/** Rings, answers, and goes on with `steps`. */
function uas(steps, { sdp = SDP("sendrecv", 1) } = {}) {
  return [invited, answer("180 Ringing", { tag: TAG }), pause(300), answer("200 OK", { tag: TAG, type: "application/sdp", text: sdp }), expect("ACK"), ...steps];
}

const isHungUp = [expect("BYE"), answer("200 OK")];
const hangsUp = (role) => [request(role, "BYE")];
const takes = (method, pattern, options) => [expect(method, pattern), answer("200 OK", options)];
/**
 * Answers such requests until one matches. Its variable is its own: what once matched stays set. No <nop>: a request
 * that comes in that moment is one too many for SIPp.
 */
const takesUntil = (method, pattern) => [
  '<label id="1"/>',
  expect(method, pattern, { variable: "last", mustMatch: false }).replace("<recv", '<recv next="2" test="last"'),
  answer("200 OK").replace("<send", '<send next="1"'),
  '<label id="2"/>',
  answer("200 OK"),
];
const takesOffer = (direction, answered, version) => [
  ...takes("INVITE", `a=${direction}`, { type: "application/sdp", text: SDP(answered, version) }),
  expect("ACK"),
];

/** Calls alice, is challenged, calls again; `end` is what is expected then. */
function uac(end, { sdp = SDP("sendrecv", 1) } = {}) {
  const invite = (cseq, extra) =>
    block(
      headers([
        "INVITE sip:alice@pbx.test SIP/2.0",
        "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]",
        CALLER,
        "To: <sip:alice@pbx.test>",
        "Call-ID: [call_id]",
        `CSeq: ${cseq} INVITE`,
        "Contact: <sip:phone@[local_ip]:[local_port]>",
        extra,
        "Max-Forwards: 70",
        body("application/sdp", sdp),
      ]),
      ' retrans="500"',
    );
  return [
    invite(1),
    '<recv response="100" optional="true"/><recv response="407" auth="true"/>',
    ackOfRefusal(1),
    invite(2, "[authentication]"),
    '<recv response="100" optional="true"/><recv response="183" optional="true"/>',
    ...end,
  ];
}

const ackOfRefusal = (cseq) =>
  block(headers(["ACK sip:alice@pbx.test SIP/2.0", "[last_Via:]", CALLER, "[last_To:]", "[last_Call-ID:]", `CSeq: ${cseq} ACK`, "Max-Forwards: 70", body()]));
const isAnswered = (more = "") =>
  `<recv response="180" optional="true"/><recv response="200" rrs="true"><action>
<ereg regexp=".*" search_in="hdr" header="To:" check_it="true" assign_to="to"/>${more}</action></recv>`;

const cancelled = [
  '<recv response="180"/>',
  pause(300),
  block(
    headers(["CANCEL sip:alice@pbx.test SIP/2.0", "[last_Via:]", CALLER, "To: <sip:alice@pbx.test>", "[last_Call-ID:]", "CSeq: 2 CANCEL", "Max-Forwards: 70", body()]),
  ),
];

const info = (type, digit) =>
  type === "application/dtmf-relay" ? { type, text: `Signal=${digit}\nDuration=160\n` } : { type, text: `${digit}` };
const infoIn = (type) => uas([pause(2_000), ...[..."159"].flatMap((digit) => request("uas", "INFO", info(type, digit))), ...isHungUp]);
// Who has telephone-events gets those from our relay instead.
const infoOut = (pattern) =>
  uas([...[..."147*0#"].flatMap((digit) => takes("INFO", pattern(digit === "*" ? "[*]" : digit))), ...isHungUp], { sdp: SDP("sendrecv", 1, { events: false }) });

const sipfrag = (status) => ({ extra: "Event: refer\nSubscription-State: active;expires=60", type: "message/sipfrag;version=2.0", text: `SIP/2.0 ${status}\n` });
/** A subscription until it is ended, and what is told of it, one after the other. */
const subscribed = (notifications) => [
  invited.replace("INVITE", "SUBSCRIBE"),
  answer("200 OK", { tag: TAG, extra: "Expires: 100" }),
  ...notifications.map((notification) => request("uas", "NOTIFY", notification)),
  ...takes("SUBSCRIBE", "Expires: 0", { extra: "Expires: 0" }),
  request("uas", "NOTIFY", { ...notifications.at(-1), extra: notifications.at(-1).extra.replace(/active.*/, "terminated;reason=timeout") }),
];
const state = (event) => `Event: ${event}\nSubscription-State: active;expires=100`;
const presence = (basic) => ({
  extra: state("presence"),
  type: "application/pidf+xml",
  text: `<?xml version="1.0"?><presence xmlns="urn:ietf:params:xml:ns:pidf" entity="sip:phone@pbx.test"><tuple id="a"><status><basic>${basic}</basic></status></tuple></presence>`,
});
const dialog = (is) => ({
  extra: state("dialog"),
  type: "application/dialog-info+xml",
  text: `<?xml version="1.0"?><dialog-info xmlns="urn:ietf:params:xml:ns:dialog-info" version="${(count += 1)}" state="full" entity="sip:phone@pbx.test"><dialog id="1"><state>${is}</state></dialog></dialog-info>`,
});
const lamp = (waiting) => ({ extra: state("message-summary"), type: "application/simple-message-summary", text: `Messages-Waiting: ${waiting}\nVoice-Message: ${waiting === "yes" ? "2/1" : "0/1"} (0/0)\n` });

/** The scenario of each case that SIPp can play. */
export const scenarios = {
  "call-out": () => uas(isHungUp),
  "call-in": () => uac([isAnswered(), request("uac", "ACK", { cseq: 2 }), ...isHungUp]),
  "busy-there": () => [invited, answer("180 Ringing", { tag: TAG }), pause(200), answer("486 Busy Here", { tag: TAG }), expect("ACK")],
  "busy-here": () => uac(['<recv response="180" optional="true"/><recv response="486"/>', ackOfRefusal(2)]),
  "no-answer": () => [invited, answer("180 Ringing", { tag: TAG }), pause(1_500), answer("408 Request Timeout", { tag: TAG }), expect("ACK")],
  "hangup-near": () => uas(isHungUp),
  "hangup-far": () => uas([pause(500), ...hangsUp("uas")]),
  "hold-near": () => uas([...takesOffer("sendonly", "recvonly", 2), ...takesOffer("sendrecv", "sendrecv", 3), ...isHungUp]),
  "hold-far": () =>
    uas([
      pause(2_500),
      request("uas", "INVITE", { type: "application/sdp", text: SDP("sendonly", 2) }),
      pause(1_000),
      request("uas", "INVITE", { type: "application/sdp", text: SDP("sendrecv", 3) }),
      ...isHungUp,
    ]),
  "blind-near": () =>
    uas([
      ...takesOffer("sendonly", "recvonly", 2),
      expect("REFER", "Refer-To:.*sip:third@pbx.test"),
      answer("202 Accepted"),
      request("uas", "NOTIFY", sipfrag("100 Trying")),
      request("uas", "NOTIFY", { ...sipfrag("200 OK"), extra: "Event: refer\nSubscription-State: terminated;reason=noresource" }),
      ...isHungUp,
    ]),
  "blind-far": () =>
    uas([
      pause(800),
      request("uas", "REFER", { extra: "Refer-To: <sip:carol@pbx.test>\nReferred-By: <sip:phone@pbx.test>", expect: 202 }),
      ...takes("NOTIFY", "SIP/2.0 100"),
      ...takesUntil("NOTIFY", "SIP/2.0 200"),
      ...hangsUp("uas"),
    ]),
  "digits-out-info-relay": () => infoOut((digit) => `Signal ?= ?${digit}`),
  "digits-out-info-dtmf": () => infoOut((digit) => `\\r\\n\\r\\n${digit}`),
  "digits-in-info-relay": () => infoIn("application/dtmf-relay"),
  "digits-in-info-dtmf": () => infoIn("application/dtmf"),
  "message-out": () => takes("MESSAGE", "hello far side", { tag: TAG }),
  "message-in": () => [
    block(headers(["MESSAGE sip:alice@pbx.test SIP/2.0", "Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]", CALLER, "To: <sip:alice@pbx.test>", "Call-ID: [call_id]", "CSeq: 1 MESSAGE", "Max-Forwards: 70", body("text/plain", "hello, browser")]), ' retrans="500"'),
    '<recv response="100" optional="true"/><recv response="200"/>',
  ],
  lamp: () => subscribed([lamp("no"), lamp("yes")]),
  refresh: () =>
    uas([
      pause(500),
      request("uas", "INVITE", { extra: "Supported: timer\nSession-Expires: 90;refresher=uac", type: "application/sdp", text: SDP("sendrecv", 1), action: matching("Session-Expires: 90;refresher=uac") }),
      request("uas", "UPDATE", { extra: "Supported: timer\nSession-Expires: 90;refresher=uac", action: matching("Session-Expires: 90;refresher=uac") }),
      request("uas", "UPDATE", { extra: "Supported: timer\nSession-Expires: 30;refresher=uac", expect: 422, action: matching("Min-SE: 90") }),
      ...isHungUp,
    ]),
  presence: () => subscribed([presence("closed"), presence("open")]),
  "busy-lamp": () => subscribed([dialog("early"), dialog("confirmed"), dialog("terminated")]),
  prack: () => [
    invited,
    answer("183 Session Progress", { tag: TAG, extra: "Require: 100rel\nRSeq: 7", type: "application/sdp", text: SDP("sendrecv", 1) }),
    ...takes("PRACK", "RAck: 7 [0-9]+ INVITE"),
    again("180 Ringing", "Require: 100rel\nRSeq: 8"),
    ...takes("PRACK", "RAck: 8 [0-9]+ INVITE"),
    again("200 OK"),
    expect("ACK"),
    ...isHungUp,
  ],
  // Our relay calls as always; what it offers is its own.
  "delayed-out": () => uas(isHungUp),
  "delayed-in": () => uac([isAnswered(matching("m=audio").replace(/<\/?action>/g, "")), request("uac", "ACK", { cseq: 2, type: "application/sdp", text: SDP("sendrecv", 1) }), ...isHungUp], { sdp: "" }),
};
scenarios["cancel-near"] = () => [
  invited,
  answer("180 Ringing", { tag: TAG }),
  '<recv request="CANCEL" crlf="true"/>',
  answer("200 OK"),
  again("487 Request Terminated"),
  expect("ACK"),
];
// Kamailio's workers may send the two answers in either order.
scenarios["cancel-far"] = () => uac([...cancelled, '<recv response="200" optional="true"/><recv response="487"/>', ackOfRefusal(2)]);

/** The file's text. */
export function xml(id) {
  let text = scenarios[id]().join("\n");
  if (text.includes("[$via]")) {
    text = text.replace(
      "</action></recv>",
      '<ereg regexp=".*" search_in="hdr" header="Via:" check_it="true" assign_to="via"/><ereg regexp=".*" search_in="hdr" header="Via:" occurrence="2" check_it="true" assign_to="via2"/><ereg regexp=".*" search_in="hdr" header="Record-Route:" check_it="true" assign_to="rr"/><ereg regexp=".*" search_in="hdr" header="CSeq:" check_it="true" assign_to="cseq"/></action></recv>',
    );
  }
  const variables = ["found", "last", "caller", "callee", "to", "via", "cseq"].filter((name) => text.includes(`"${name}"`) && !text.includes(`[$${name}]`));
  const references = variables.length > 0 ? `<Reference variables="${variables.join(",")}"/>` : "";
  return `<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE scenario SYSTEM "sipp.dtd">\n<scenario name="${id}">\n${text}\n${references}\n</scenario>\n`;
}
