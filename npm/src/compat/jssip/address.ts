/** `JsSIP.URI` and `JsSIP.NameAddrHeader`, to read; and the headers of a request. */

/** A SIP address. */
export class URI {
  constructor(
    readonly scheme: string,
    readonly user: string | undefined,
    readonly host: string,
    readonly port?: number,
  ) {}

  /** `undefined` when it is none, as in JsSIP. */
  static parse(text: string): URI | undefined {
    const [, scheme, user, host, port] = /^(sips?|tel):(?:([^@]*)@)?(\[[^\]]*\]|[^:;?]*)(?::(\d+))?/i.exec(text) ?? [];
    if (scheme === undefined || host === undefined) return undefined;
    return new URI(scheme.toLowerCase(), user && unescaped(user), host, port === undefined ? undefined : Number(port));
  }

  toAor(): string {
    return `${this.scheme}:${this.user === undefined ? "" : `${escaped(this.user)}@`}${this.host}`;
  }

  toString(): string {
    return this.toAor() + (this.port === undefined ? "" : `:${String(this.port)}`);
  }
}

/** A user as it is meant; one whose escapes are none stays as it is. */
function unescaped(user: string): string {
  try {
    return decodeURIComponent(user);
  } catch {
    return user;
  }
}

/** A user as it is written: what RFC 3261 §25.1 allows there (`user-unreserved`) needs no escape. */
function escaped(user: string): string {
  return encodeURIComponent(user).replace(/%(?:26|3D|2B|24|2C|3B|3F|2F)/g, decodeURIComponent);
}

/** An address with a name. */
export class NameAddrHeader {
  readonly display_name: string | undefined;

  constructor(readonly uri: URI, displayName?: string) {
    this.display_name = displayName;
  }

  /** @internal */
  static of(party: { readonly uri: string; readonly displayName?: string } | undefined): NameAddrHeader {
    const uri = URI.parse(party?.uri ?? "") ?? new URI("sip", party?.uri.replace(/@.*$/, ""), "anonymous.invalid");
    return new NameAddrHeader(uri, party?.displayName);
  }

  toString(): string {
    return this.display_name === undefined ? `<${String(this.uri)}>` : `"${this.display_name}" <${String(this.uri)}>`;
  }
}

type Pairs = readonly (readonly [string, string])[];

/** What listeners read of a request. */
export class Request {
  constructor(
    readonly method: string,
    readonly from: NameAddrHeader,
    readonly to: NameAddrHeader,
    readonly body = "",
    private readonly headers: Pairs = [],
  ) {}

  getHeader(name: string): string | undefined {
    return this.getHeaders(name)[0];
  }

  getHeaders(name: string): string[] {
    return this.headers.filter(([each]) => each.toLowerCase() === name.toLowerCase()).map(([, value]) => value);
  }

  hasHeader(name: string): boolean {
    return this.getHeaders(name).length > 0;
  }
}

/** `["X-Name: value"]`, as JsSIP takes headers. */
export function headerPairs(lines: readonly string[] = []): [string, string][] {
  return lines.map((line) => {
    const colon = line.indexOf(":");
    return [line.slice(0, colon).trim(), line.slice(colon + 1).trim()];
  });
}
