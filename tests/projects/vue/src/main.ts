import { createApp, defineComponent, h, ref } from "vue";
import { CallButton } from "switchhook/vue";

const server = new URLSearchParams(location.search).get("server") ?? "";

const App = defineComponent(() => {
  const button = ref<InstanceType<typeof CallButton> | null>(null);
  const log = ref<string[]>([]);
  const note = (line: string) => { log.value = [...log.value, line]; };
  return () => [
    h(CallButton, {
      ref: button,
      class: "call",
      server,
      to: "echo",
      label: "Call us",
      uri: "sip:alice@demo.localhost",
      password: "alice-secret",
      displayName: "Alice",
      onCallRequest: (event) => note(`asked for ${event.number}`),
      onCallStart: ({ call }) => note(`started: ${call.direction}`),
      onCallEnd: ({ end }) => note(`ended after ${log.value.length} events by ${end.by}`),
    }),
    h("button", { onClick: () => button.value?.element?.hangUp() }, "Enough"),
    h("output", log.value.join("; ")),
  ];
});

// @ts-expect-error: there is no such theme.
export const wrong = () => h(CallButton, { theme: "pink" });

createApp(App).mount("#app");
