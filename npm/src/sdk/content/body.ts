/** A body as a page wants it: text as text, everything else as bytes. */

/** Types whose bodies are text, beside `text/*`. */
const TEXTS = /^(text\/.*|message\/.*|application\/(.*[+])?(xml|json)|application\/(simple-message-summary|sdp|dtmf.*|x-www-form-urlencoded))$/i;

/** The body of this type, decoded by its charset (RFC 3261 §7.4.1: UTF-8 where none is named). */
export function readBody(contentType: string | undefined, body: Uint8Array): string | Uint8Array {
  const [kind = "", ...params] = (contentType ?? "text/plain").split(";").map((part) => part.trim());
  if (!TEXTS.test(kind)) return body;
  const charset = params.map((param) => /^charset\s*=\s*"?([^"]*)"?$/i.exec(param)?.[1]).find(Boolean);
  return decoder(charset).decode(body);
}

/** A text or bytes, as bytes. */
export function writeBody(body: string | Uint8Array): Uint8Array {
  return typeof body === "string" ? new TextEncoder().encode(body) : body;
}

function decoder(charset = "utf-8"): TextDecoder {
  try {
    return new TextDecoder(charset);
  } catch {
    return new TextDecoder();
  }
}
