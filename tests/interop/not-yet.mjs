// Cases that fail with every peer, because our own parts cannot do them yet. profile.mjs fails as soon as one works.

const offers = { reason: "the SDK always offers yet", error: /the INVITE has no offer/ };

/** What the SDK cannot do. */
export const notInSdk = { "delayed-out": offers };

const alone = (reason) => ({ reason, error: /did not say|Asterisk says|does not support|refused|SIP Failure Code/ });
const noMessage = "the relay carries no MESSAGE yet";

/** What the relay does not carry. */
export const notInRelay = {
  "message-out": alone(noMessage),
  "message-in": alone(noMessage),
  lamp: alone("the relay carries no SUBSCRIBE yet"),
};

/** What two browsers with our SDK cannot do to each other. */
export const notBetweenBrowsers = {
  "delayed-in": offers,
  refresh: { reason: "the SDK has no setting for session timers yet", error: /the driver of this peer has no refreshed/ },
};
