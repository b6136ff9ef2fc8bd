/**
 * What a page may say about its user agent and its calls.
 */
import type { AutoAnswerPolicy } from "./auto-answer.js";
import type { CallAudio } from "./call-options.js";
import type { RedirectPolicy } from "./redirection.js";
import type { ReconnectPolicy, Server } from "./registration.js";
import type { TokenSource } from "./tokens.js";
import type { TransferPolicy } from "./transfer.js";
import type { Account, OnPageHide } from "./types.js";

/** The microphone and the loudspeaker. */
export interface AudioOptions extends CallAudio {
  /** Constraints for the microphone. Default `true`. */
  input?: MediaTrackConstraints | boolean;
}

/** The settings of a user agent. */
export interface UserAgentOptions {
  /** The SIP server's WebSocket: `wss://sip.example.com/sip`, or a path on the page's own host, such as `/sip`. */
  server?: string | URL;
  /** Several servers, instead of `server`: where one does not serve, another is tried. */
  servers?: readonly Server[];
  /** When to connect again after a loss. Default: soon, then less and less often. */
  reconnect?: ReconnectPolicy;
  /** Seconds that established calls wait for a lost connection to come back; 0 ends them with it. Default 30. */
  callRecovery?: number;
  /** Who calls. Without an account, calls are anonymous. */
  account?: Account;
  /** What calls without an account show: see docs/operator/tokens.md. Each token is good for one call. */
  token?: TokenSource;
  /** Register, so that calls come in? Default: yes, when there is an account. */
  register?: boolean | { expires?: number };
  /** Load and connect at once? Default `true`. Otherwise `prepare()`, `connect()`, `register()` or `call()` do it. */
  connect?: boolean;
  /** The microphone, the loudspeaker and the tones. */
  audio?: AudioOptions;
  /** STUN and TURN servers. Not needed with a relay. Default none: nobody but your server learns who calls. */
  iceServers?: RTCIceServer[];
  /** Milliseconds that a call may wait for ICE candidates. Default 0: it leaves at once. */
  gatheringTimeout?: number;
  /** Headers added to each REGISTER and INVITE. */
  headers?: [string, string][];
  /** The `User-Agent` header. */
  userAgent?: string;
  /** The UUID of this browser. Default: one that survives a reload of the tab. */
  instanceId?: string;
  /** The types of messages that this page takes (`text/*` is any text); others are answered 415. Default: texts and JSON. */
  messageTypes?: string[];
  /**
   * Milliseconds between keep-alives from the page; 0 sends none. Default: as the server asks for (`Flow-Timer`), else
   * every 95 to 120 seconds where it answers them.
   */
  keepAlive?: number;
  /**
   * What is done when the other side of a call asks this page to call somebody else: `"ask"` leaves it to listeners of
   * `transferrequest`, and refuses after two minutes; `"accept"` and `"refuse"` decide, as may a function. Default `"ask"`.
   */
  transferPolicy?: TransferPolicy;
  /**
   * Which calls may answer themselves when they ask for it: none, those whose caller the server vouches for (`"trusted"`), or
   * those that a function allows. The microphone then opens without a click. Default `false`.
   */
  autoAnswer?: AutoAnswerPolicy;
  /** The headers of incoming calls that a page sees; `X-*` is any that begins so, `*` are all. Default: what is no machinery of SIP. */
  receivedHeaders?: readonly string[];
  /** Calls at once; one more that comes in is refused with 486 and told by `refusedcall`. At most and by default 16. */
  maxCalls?: number;
  /** Refuses incoming calls without ringing; see `UserAgent.doNotDisturb`. Default `false`. */
  doNotDisturb?: boolean | number;
  /** When calls that nobody answers end, with `NO_ANSWER`. */
  noAnswerTimeout?: NoAnswerTimeout;
  /** What is done when a call of this page is sent elsewhere (3xx): go there, or not. Default `"follow"`. */
  redirects?: RedirectPolicy;
  /**
   * What happens to calls and the registration when the page goes away. With `"keep"` the page that comes after a reload
   * takes answered calls back: listen to `resumed`. Default `"hangup"`.
   */
  onPageHide?: OnPageHide;
  /**
   * Ends calls whose other side has vanished (RFC 4028): each is refreshed in time, or ends. `false` leaves that to the
   * other side. Default: asked for, with half an hour.
   */
  sessionTimers?: false | SessionTimers;
  /**
   * Provisional responses that arrive for certain (RFC 3262). `"required"` refuses calls of who cannot. Default
   * `"supported"`.
   */
  reliableProvisional?: "supported" | "required" | "none";
  /** Closes the user agent when it aborts. */
  signal?: AbortSignal;
}

/** How long to wait for something that goes on in any case. */
export interface WaitOptions {
  /** Stops waiting, and rejects with `CANCELLED`. */
  signal?: AbortSignal;
}

/** Seconds after which calls that nobody answers end. */
export interface NoAnswerTimeout {
  /** Calls that come in: they are refused with 480 and Q.850 cause 19. 0 lets the caller decide. Default 180. */
  incoming?: number;
  /** Calls of this page: they are cancelled. 0 lets the server decide. Default 0. */
  outgoing?: number;
}

/** Session timers. */
export interface SessionTimers {
  /** Seconds without refresh after which a call ends; a refresh leaves at half of it. Default 1800. */
  expires?: number;
  /** The shortest such time to agree to; a shorter one is refused with 422. Default and at least 90. */
  minimum?: number;
  /** Who refreshes, where this side may choose: this page, or the other side. Default: as the other side wants it. */
  refresher?: "local" | "remote";
}

/** How to make a call. */
export interface CallOptions {
  /** Ends the call when it aborts, in whatever state it is: cancels or hangs up. */
  signal?: AbortSignal;
  /** Headers added to the INVITE. */
  headers?: [string, string][];
  /** The name shown to the other side, instead of the account's. */
  displayName?: string;
  /** Does not tell the other side who calls (RFC 3323): the server knows, and may refuse. Default `false`. */
  anonymous?: boolean;
  /** Sound to send instead of the microphone's. Its tracks stay the page's. */
  stream?: MediaStream;
  /**
   * Whether the call brings our description of the sound, or asks the other side for its own first, which costs a round
   * trip and opens the microphone only then. Default `"early"`.
   */
  offer?: "early" | "delayed";
  /** Seconds after which the call is cancelled where nobody answers. Default: `noAnswerTimeout.outgoing` of the user agent. */
  noAnswerTimeout?: number;
  /** What is done when this call is sent elsewhere. Default: `redirects` of the user agent. */
  redirects?: RedirectPolicy;
  /** How this call sounds here, where it differs from the user agent's settings. */
  audio?: CallAudio;
}
