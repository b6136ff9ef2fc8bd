/**
 * Makes a Vue component of an element. The components themselves, with their props, are written by
 * `scripts/wrappers.mjs` from the elements' manifest.
 */
import { type Component, defineComponent, h, ref, toHandlerKey } from "vue";

/** What a component does with its props; each table has the prop's name first. */
export interface Names {
  readonly tag: string;
  /** Written into the document, by a server too. */
  readonly attributes: Readonly<Record<string, string>>;
  /** Set on the element and never written. */
  readonly properties: readonly string[];
  /** `callStart`: "callstart". */
  readonly events: Readonly<Record<string, string>>;
}

/** Registers the element, where there is a page, and makes its component. */
export function wrap(names: Names, define: () => CustomElementConstructor): Component {
  if (typeof customElements !== "undefined" && !customElements.get(names.tag)) customElements.define(names.tag, define());
  const props: string[] = [...Object.keys(names.attributes), ...names.properties];
  return defineComponent({
    name: names.tag,
    props,
    emits: Object.keys(names.events),
    setup(given: Readonly<Record<string, unknown>>, { emit, expose, slots }) {
      const element = ref<HTMLElement | null>(null);
      expose({ element });
      return () => h(names.tag, { ref: element, ...written(given, names), ...listeners(names, emit) }, slots["default"]?.());
    },
  });
}

/** `^name` is Vue's word for an attribute, `.name` for a property. */
function written(props: Readonly<Record<string, unknown>>, { attributes, properties }: Names): Record<string, unknown> {
  const pairs = [...Object.entries(attributes).map(([prop, name]) => [`^${name}`, props[prop]]), ...properties.map((prop) => [`.${prop}`, props[prop]])];
  return Object.fromEntries(pairs.filter(([, value]) => value !== undefined) as [string, unknown][]);
}

function listeners({ events }: Names, emit: (event: string, ...args: unknown[]) => void): Record<string, unknown> {
  const pairs = Object.entries(events).map(([name, type]) => [toHandlerKey(type), (event: Event) => { emit(name, event); }]);
  return Object.fromEntries(pairs) as Record<string, unknown>;
}
