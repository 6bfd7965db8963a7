import "./style.css";

import { render } from "preact";

import { start } from "./data/follow.ts";
import { App } from "./shell/app.tsx";

start();
render(<App />, document.getElementById("app") as HTMLElement);
