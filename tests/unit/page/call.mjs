// Call functions of a module of the dashboard: `node call.mjs MODULE < CALLS`, where each call is a name and its arguments.
// Print the results, or the messages of errors, as JSON.

import { readFileSync } from "node:fs";

const module = await import(process.argv[2]);
const calls = JSON.parse(readFileSync(0, "utf8"));
const results = [];
for (const [name, ...given] of calls) {
  results.push(await (async () => module[name](...given))().then((found) => found ?? null, (error) => ({ error: error.message })));
}
console.log(JSON.stringify(results));
