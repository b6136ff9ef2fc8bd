/** The symbols of `using` and `await using`, also where the browser does not have them yet. */

const known: { readonly dispose?: symbol; readonly asyncDispose?: symbol } = Symbol;

/** `Symbol.dispose`. */
export const dispose: typeof Symbol.dispose = (known.dispose ?? Symbol.for("Symbol.dispose")) as typeof Symbol.dispose;

/** `Symbol.asyncDispose`. */
export const asyncDispose: typeof Symbol.asyncDispose = (known.asyncDispose ?? Symbol.for("Symbol.asyncDispose")) as typeof Symbol.asyncDispose;
