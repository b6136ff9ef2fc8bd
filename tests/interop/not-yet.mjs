// Cases that fail with every peer, because our own parts cannot do them yet. profile.mjs fails as soon as one works.

const yet = (reason) => ({ reason, error: /the SDK has no|did not say|strictly equal|Asterisk says|refused|SIP Failure Code/ });

const noHold = "hold does not work yet";
const noTransfer = "transfer does not work yet";
const noDigits = "received digits and INFO do not work yet";
const noMessage = "MESSAGE does not work yet";

export const notYet = {
  "hold-near": yet(noHold),
  "hold-far": yet(noHold),
  "blind-near": yet(noTransfer),
  "blind-far": yet(noTransfer),
  "attended-near": yet(noTransfer),
  "attended-far": yet(noTransfer),
  "digits-in-rtp": yet(noDigits),
  "digits-out-info-relay": yet(noDigits),
  "digits-in-info-relay": yet(noDigits),
  "digits-out-info-dtmf": yet(noDigits),
  "digits-in-info-dtmf": yet(noDigits),
  "message-out": yet(noMessage),
  "message-in": yet(noMessage),
  lamp: yet("the SDK subscribes to nothing yet"),
  "delayed-out": { reason: "the SDK always offers yet", error: /the INVITE has no offer/ },
};
