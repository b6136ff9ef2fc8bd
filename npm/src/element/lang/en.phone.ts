/** English, for `<web-phone>`. The other languages have the same words. */
export const phone = {
  phone: "Phone",
  signIn: "Sign in",
  signInHint: "Use the SIP account of your telephone system.",
  server: "Server",
  address: "SIP address",
  password: "Password",
  displayName: "Your name",
  optional: "optional",
  signOut: "Sign out",
  signedOut: "Signed out",
  connectingToServer: "Connecting…",
  reconnecting: "Reconnecting…",
  registering: "Signing in…",
  registered: "Ready for calls",
  notRegistered: "Not signed in",
  number: "Number or address",
  deleteDigit: "Delete the last character",
  incomingCall: "Incoming call",
  answer: "Answer",
  decline: "Decline",
  sentDigits: "Digits sent",
  hold: "Hold",
  resume: "Resume",
  onHold: "On hold",
  heldByOther: "The other side has put you on hold",
  holdFailed: "Hold did not work; the call goes on",
};

/** The words of `<web-phone>`. */
export type PhoneWords = typeof phone;
