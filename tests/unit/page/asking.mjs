// Ask a question whose answers come late, and then fail. Print how many questions were open at once, and what was told.
const { askAgain } = await import(process.argv[2]);
const EVERY_MS = 5;
const told = [];
let asked = 0;
let open = 0;
let mostOpen = 0;
const ask = async () => {
  asked += 1;
  const turn = asked;
  mostOpen = Math.max(mostOpen, open += 1);
  await new Promise((done) => setTimeout(done, 6 * EVERY_MS));
  open -= 1;
  if (turn > 2) throw new Error("away");
  return `answer ${turn}`;
};
let isWanted = true;
const stop = askAgain(ask, EVERY_MS, (known) => told.push(known), () => isWanted);
while (told.length < 4) await new Promise((done) => setTimeout(done, EVERY_MS));
isWanted = false;
while (open) await new Promise((done) => setTimeout(done, EVERY_MS));
const before = asked;
await new Promise((done) => setTimeout(done, 4 * EVERY_MS));
stop();
const shown = told.slice(0, 4).map(({ data, error, at, before }) => [data, error?.message ?? null, at > 0, before?.data ?? null]);
console.log(JSON.stringify({ mostOpen, shown, isQuiet: asked === before, sameTime: told[2].at === told[1].at && told[3].at === told[1].at }));
