/** The events of the elements. They bubble and leave the shadow root; `callrequest` can be prevented. */
import type { Call, CallEnd, SipError } from "../index.js";

const UP: EventInit = { bubbles: true, composed: true };

/** A person wants to call. `preventDefault()` holds the call back, for instance until terms are accepted. */
export class CallRequestEvent extends Event {
  constructor(readonly number: string) {
    super("callrequest", { ...UP, cancelable: true });
  }
}

/** A call begins, in either direction. */
export class CallStartEvent extends Event {
  constructor(readonly call: Call) {
    super("callstart", UP);
  }
}

/** A call is over. */
export class CallEndEvent extends Event {
  constructor(readonly call: Call, readonly end: CallEnd) {
    super("callend", UP);
  }
}

/** A call failed; follows `callend`. */
export class CallErrorEvent extends Event {
  constructor(readonly call: Call, readonly error: SipError) {
    super("callerror", UP);
  }
}

declare global {
  interface GlobalEventHandlersEventMap {
    callrequest: CallRequestEvent;
    callstart: CallStartEvent;
    callend: CallEndEvent;
    callerror: CallErrorEvent;
  }
}
