import "./style.css";

import { render } from "preact";

import { start } from "./data/follow.ts";
import { keepFocus } from "./parts/keep_focus.ts";
import { App } from "./shell/app.tsx";

start();
const app = document.getElementById("app") as HTMLElement;
keepFocus(app);
render(<App />, app);
