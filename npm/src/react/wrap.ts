/**
 * Makes a React component of an element. The components themselves, with their props, are written by
 * `scripts/wrappers.mjs` from the elements' manifest.
 *
 * Works with React 18 too, which knows no properties and no events of custom elements.
 */
import { type ComponentType, createElement, forwardRef, type ForwardedRef, useEffect, useImperativeHandle, useRef } from "react";

/** What a component does with its props; each table has the prop's name first. */
export interface Names {
  readonly tag: string;
  /** Written into the document, by a server too. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Set on the element and never written. */
  readonly properties: readonly string[];
  /** `onCallStart`: "callstart". */
  readonly events: Readonly<Record<string, string>>;
}

type Props = Record<string, unknown>;
type Handler = ((event: Event) => void) | undefined;

/** Registers the element, where there is a page, and makes its component. */
export function wrap(names: Names, define: () => CustomElementConstructor): ComponentType<Props> {
  if (typeof customElements !== "undefined" && !customElements.get(names.tag)) customElements.define(names.tag, define());
  const component = forwardRef((props: Props, ref: ForwardedRef<HTMLElement | null>) => {
    const element = useRef<HTMLElement>(null);
    const latest = useRef(props);
    useImperativeHandle<HTMLElement | null, HTMLElement | null>(ref, () => element.current, []);
    useEffect(() => {
      latest.current = props;
      for (const name of names.properties) if (name in props) Reflect.set(element.current ?? {}, name, props[name]);
    });
    useEffect(() => element.current ? listen(element.current, names, () => latest.current) : undefined, []);
    return createElement(names.tag, { ...written(props, names), ref: element });
  });
  component.displayName = names.tag;
  return component;
}

/** The props that React passes on, under the document's names. */
function written(props: Props, { attributes, properties, events }: Names): Props {
  const rest = Object.entries(props).filter(([name]) => !properties.includes(name) && !(name in events));
  return Object.fromEntries(rest.map(([name, value]) => [name === "className" ? "class" : (attributes[name] ?? name), value]));
}

/** One listener for each event, for as long as the component lives; it calls whatever the last rendering passed. */
function listen(element: HTMLElement, { events }: Names, props: () => Props): () => void {
  const stop = new AbortController();
  for (const [prop, type] of Object.entries(events)) {
    element.addEventListener(type, (event) => { (props()[prop] as Handler)?.(event); }, { signal: stop.signal });
  }
  return () => { stop.abort(); };
}
