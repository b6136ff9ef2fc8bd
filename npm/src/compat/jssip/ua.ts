/** `JsSIP.UA` over a `UserAgent`, and the socket it is given. */
import { type Account, type CallOptions as OwnCallOptions, SipError, UserAgent, type UserAgentOptions } from "../../index.js";
import { headerPairs, NameAddrHeader, Request, URI } from "./address.js";
import { causeOf } from "./constants.js";
import { Emitter, type Listener } from "./emitter.js";
import { type AnswerOptions, RTCSession } from "./rtc-session.js";

/** Where to connect: `new JsSIP.WebSocketInterface("wss://…")`. */
export class WebSocketInterface {
  via_transport = "WSS";

  constructor(readonly url: string) {}
}

/** `new JsSIP.UA(configuration)`. What is not named here is taken and changes nothing. */
export interface UAConfiguration {
  sockets: WebSocketInterface | (WebSocketInterface | { socket: WebSocketInterface; weight?: number })[];
  uri: string;
  password?: string;
  authorization_user?: string;
  display_name?: string;
  instance_id?: string;
  no_answer_timeout?: number;
  register?: boolean;
  register_expires?: number;
  registrar_server?: string;
  session_timers?: boolean;
  user_agent?: string;
  extra_headers?: string[];
  /** Ours: JsSIP takes it with each call. */
  pcConfig?: RTCConfiguration;
  /** Not supported: it throws. */
  ha1?: string;
  /** Not supported: it throws. */
  authorization_jwt?: string;
}

/** `ua.call()`'s options. */
export interface CallOptions extends AnswerOptions {
  eventHandlers?: Record<string, Listener>;
  fromDisplayName?: string;
}

/** A user agent in JsSIP's clothes. */
export class UA extends Emitter {
  readonly #configuration: UAConfiguration;
  readonly #sessions = new Set<RTCSession>();
  #agent: UserAgent | undefined;

  /** Throws when something is missing, or cannot be done. */
  constructor(configuration: UAConfiguration) {
    super();
    if (!URI.parse(configuration.uri)) throw new TypeError(`"${configuration.uri}" is no SIP address: configuration.uri is needed.`);
    for (const name of ["ha1", "authorization_jwt"] as const) {
      if (configuration[name] !== undefined) throw new TypeError(`Switchhook does not take ${name}: use password, or UserAgent with a token.`);
    }
    this.#configuration = configuration;
  }

  get configuration(): UAConfiguration {
    return this.#configuration;
  }

  get sessions(): readonly RTCSession[] {
    return [...this.#sessions];
  }

  /** Connects and, unless told otherwise, registers. */
  start(): void {
    if (this.#agent && !this.#agent.closed) return;
    this.#agent = this.#follow(new UserAgent(optionsOf(this.#configuration)));
    this.emit("connecting", { attempts: 1 });
  }

  stop(): void {
    void this.#agent?.close();
    this.#agent = undefined;
  }

  register(): void {
    void this.#agent?.register().catch(() => undefined);
  }

  unregister({ all = false }: { all?: boolean } = {}): void {
    void this.#agent?.unregister({ all }).catch(() => undefined);
  }

  isRegistered(): boolean {
    return this.#agent?.registration.state === "registered";
  }

  isConnected(): boolean {
    return this.#agent?.state === "connected";
  }

  /** Calls. `newRTCSession` comes before this returns, as in JsSIP. */
  call(target: string | URI, { eventHandlers = {}, mediaStream, extraHeaders, fromDisplayName }: CallOptions = {}): RTCSession {
    const agent = this.#started();
    const options: OwnCallOptions = {
      audio: { element: false, ringback: false },
      headers: headerPairs(extraHeaders),
      ...(mediaStream && { stream: mediaStream }),
      ...(fromDisplayName !== undefined && { displayName: fromDisplayName }),
    };
    const call = agent.call(String(target), options);
    const request = new Request("INVITE", NameAddrHeader.of({ uri: this.#configuration.uri }), NameAddrHeader.of(call.remote));
    const session = this.#adopt(new RTCSession(call, request));
    Object.entries(eventHandlers).forEach(([type, listener]) => { session.on(type, listener); });
    session.begin();
    this.emit("newRTCSession", { originator: "local", session, request });
    return session;
  }

  /** Sends a text. The `Message` that it returns emits `succeeded` or `failed`. */
  sendMessage(target: string | URI, body: string, { eventHandlers = {}, contentType = "text/plain", extraHeaders }: { eventHandlers?: Record<string, Listener>; contentType?: string; extraHeaders?: string[] } = {}): Emitter {
    const message = new Emitter();
    Object.entries(eventHandlers).forEach(([type, listener]) => { message.on(type, listener); });
    const request = new Request("MESSAGE", NameAddrHeader.of({ uri: this.#configuration.uri }), NameAddrHeader.of({ uri: String(target) }), body);
    this.emit("newMessage", { originator: "local", message, request });
    this.#started().message(String(target), body, { contentType, headers: headerPairs(extraHeaders) }).then(
      () => { message.emit("succeeded", { originator: "remote", response: { status_code: 200 } }); },
      (error: unknown) => { message.emit("failed", { originator: "remote", response: { status_code: SipError.from(error).status }, cause: causeOf(SipError.from(error)) }); },
    );
    return message;
  }

  terminateSessions(): void {
    this.#sessions.forEach((session) => { session.terminate(); });
  }

  #started(): UserAgent {
    if (!this.#agent) throw new Error("Call start() first.");
    return this.#agent;
  }

  #follow(agent: UserAgent): UserAgent {
    return agent
      .on("connectionchange", ({ state, code, reason, error, attempt = 1 }) => {
        if (state === "connected") this.emit("connected", {});
        else if (state === "connecting") this.emit("connecting", { attempts: attempt });
        else this.emit("disconnected", { error: error !== undefined, code, reason });
      })
      .on("registrationchange", ({ state, error }) => {
        const response = { status_code: error?.status ?? 200, reason_phrase: error?.reason ?? "" };
        if (state === "registered" || state === "unregistered") this.emit(state, { response });
        else if (state === "failed" && error) this.emit("registrationFailed", { response, cause: causeOf(error) });
      })
      .on("incomingcall", ({ call }) => {
        const request = new Request("INVITE", NameAddrHeader.of(call.remote), NameAddrHeader.of(call.local), "", call.headers);
        this.emit("newRTCSession", { originator: "remote", session: this.#adopt(new RTCSession(call, request)), request });
      })
      .on("message", ({ from, to, body, headers }) => {
        const request = new Request("MESSAGE", NameAddrHeader.of(from), NameAddrHeader.of(to), typeof body === "string" ? body : "", headers);
        this.emit("newMessage", { originator: "remote", message: new Emitter(), request });
      });
  }

  #adopt(session: RTCSession): RTCSession {
    this.#sessions.add(session);
    void session.call.ended.then(() => this.#sessions.delete(session));
    return session;
  }
}

function optionsOf(configuration: UAConfiguration): UserAgentOptions {
  const { sockets, extra_headers: extraHeaders, user_agent: userAgent, instance_id: instanceId, pcConfig } = configuration;
  const servers = [sockets].flat().map((each) => ("socket" in each ? { url: each.socket.url, weight: each.weight ?? 0 } : { url: each.url }));
  return {
    servers,
    account: accountOf(configuration),
    audio: { element: false, ringback: false, ringtone: false },
    headers: headerPairs(extraHeaders),
    ...timesOf(configuration),
    ...(userAgent !== undefined && { userAgent }),
    ...(instanceId !== undefined && { instanceId }),
    ...(pcConfig?.iceServers && { iceServers: pcConfig.iceServers }),
  };
}

/** With JsSIP's defaults. */
function timesOf(configuration: UAConfiguration): Pick<UserAgentOptions, "register" | "noAnswerTimeout" | "sessionTimers"> {
  const { register = true, register_expires: expires = 600, session_timers: timers = true, no_answer_timeout: incoming = 60 } = configuration;
  return { register: register && { expires }, noAnswerTimeout: { incoming }, ...(!timers && { sessionTimers: false }) };
}

function accountOf({ uri, password, authorization_user: authorizationName, display_name: displayName, registrar_server: registrar }: UAConfiguration): Account {
  return {
    uri,
    ...(password !== undefined && { password }),
    ...(authorizationName !== undefined && { authorizationName }),
    ...(displayName !== undefined && { displayName }),
    ...(registrar !== undefined && { registrar }),
  };
}
