import "switchhook/element/define/call-button";
import { useDemoAccount } from "../../demo-account.js";

useDemoAccount(document.querySelector("call-button"));
