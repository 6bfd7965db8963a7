// Count how often a task is drawn while changes come every two milliseconds, with a screen of 60 frames a second.
import { pathToFileURL } from "node:url";

globalThis.requestAnimationFrame = (task) => setTimeout(() => task(performance.now()), 16);
const { beforeFrame } = await import(pathToFileURL(process.argv[2]).href);
let drawn = 0;
const draw = () => { drawn += 1; };
const changes = setInterval(() => beforeFrame(draw), 2);
setTimeout(() => { clearInterval(changes); console.log(drawn); }, 1_000);
