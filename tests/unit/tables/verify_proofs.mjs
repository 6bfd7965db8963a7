// Verify proofs as the dashboard does: `node verify_proofs.mjs MODULE < PROOFS`; print a rank or a reason for each.

import { readFileSync } from "node:fs";

const { verify } = await import(process.argv[2]);
for (const proof of JSON.parse(readFileSync(0, "utf8"))) {
  console.log(await verify(proof).then(String, (error) => error.message));
}
