// Renders both wrappers where there is no page, and prints what a visitor would be sent.

import { createElement } from "react";
import { renderToString as renderReact } from "react-dom/server";
import { CallButton as ReactButton } from "switchhook/react";
import { CallButton as VueButton, WebPhone } from "switchhook/vue";
import { createSSRApp, h } from "vue";
import { renderToString as renderVue } from "vue/server-renderer";

const props = { server: "/sip", to: "sales", displayName: "A visitor", password: "alice-secret" };
const react = renderReact(createElement(ReactButton, { ...props, onCallStart: () => undefined }, "Call us"));
const vue = await renderVue(createSSRApp({ render: () => h(VueButton, { ...props, onCallStart: () => undefined }, () => "Call us") }));
const phone = await renderVue(createSSRApp({ render: () => h(WebPhone, { uri: "sip:alice@example.com" }) }));
console.log(JSON.stringify({ react, vue, phone }));
