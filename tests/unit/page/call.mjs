// Call functions of a module of the dashboard: `node call.mjs MODULE < CALLS`, where each call is a name and its arguments; print the results as JSON.

import { readFileSync } from "node:fs";

const module = await import(process.argv[2]);
const calls = JSON.parse(readFileSync(0, "utf8"));
console.log(JSON.stringify(calls.map(([name, ...given]) => module[name](...given) ?? null)));
