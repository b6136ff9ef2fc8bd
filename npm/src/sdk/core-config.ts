/** The settings of a user agent and of a call, as the core takes them. */
import { defined } from "./defined.js";
import type { CoreCallOptions, CoreConfig } from "./driver.js";
import { SipError } from "./errors.js";
import { instanceId } from "./instance-id.js";
import type { Server } from "./registration.js";
import { serverUrl } from "./server-url.js";
import type { CallOptions, UserAgentOptions } from "./user-agent-options.js";

/** Throws a `SipError` when no server is named, or one has no address. */
export function coreConfig(options: UserAgentOptions): CoreConfig {
  const { server, account, register, audio, iceServers, headers, userAgent, onPageHide } = options;
  const named = options.servers ?? (server === undefined ? [] : [{ url: server }]);
  if (named.length === 0) throw new SipError({ code: "INVALID_CONFIG", message: "No server is named.", fatal: true });
  const servers = named.map(serverPair);
  return defined({
    server: servers[0]?.[0] ?? "",
    servers,
    callRecovery: options.callRecovery,
    account,
    expires: typeof register === "object" ? register.expires : undefined,
    audio: audio?.input,
    iceServers,
    headers,
    userAgent,
    gatheringTimeoutMs: options.gatheringTimeout,
    messageTypes: options.messageTypes,
    keepAliveMs: options.keepAlive,
    onPageHide,
    reliableProvisional: options.reliableProvisional,
    ...admission(options),
    ...sessionTimers(options.sessionTimers),
    instanceId: options.instanceId ?? (account && instanceId(account.uri)),
  });
}

function admission({ maxCalls, doNotDisturb, noAnswerTimeout }: UserAgentOptions): Partial<CoreConfig> {
  const { incoming, outgoing } = noAnswerTimeout ?? {};
  return defined({ maxCalls, doNotDisturb: refusalStatus(doNotDisturb), incomingNoAnswer: incoming, outgoingNoAnswer: outgoing });
}

function sessionTimers(timers: UserAgentOptions["sessionTimers"]): Partial<CoreConfig> {
  if (timers === false) return { sessionExpires: 0 };
  const { expires, minimum, refresher } = timers ?? {};
  return defined({ sessionExpires: expires, sessionMinimum: minimum, sessionRefresher: refresher });
}

function serverPair({ url, weight = 1 }: Server): [string, number] {
  return [serverUrl(url), weight];
}

/** What the core is told of a call; the rest is the page's. */
export function coreOptions({ headers, displayName, anonymous, stream, offer, noAnswerTimeout }: CallOptions): CoreCallOptions {
  return defined({ headers, displayName, anonymous, stream, offer, noAnswer: noAnswerTimeout });
}

/** The status that "do not disturb" stands for; 0 is none. 480 says that another attempt may do: servers then offer voice mail. */
export function refusalStatus(setting: boolean | number | undefined): number | undefined {
  return typeof setting === "boolean" ? (setting ? 480 : 0) : setting;
}
