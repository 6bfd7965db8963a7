// Play orders on the page's module, and print the steps of each: a line with their texts, "late" where times go back.
import { pathToFileURL } from "node:url";

const { Journey } = await import(pathToFileURL(process.argv[2]).href);
const executed = (trade_id) => ({ type: "TradeExecuted", trade_id, price: "22.50" });
const gained = (id) => ({ type: "XPGained", amount: 10, source: "trade", id });

const closed = { type: "TradeClosed", trade_id: "t-1", exit_price: "30", pnl_usd: "-1.255" };

const play = (...acts) => playOf("order", ...acts);

async function playOf(kind, ...acts) {
  const journey = new Journey(kind, async () => 5);
  for (const act of acts) act(journey);
  await new Promise((done) => setTimeout(done)); // the rank is asked for
  const steps = journey.steps.value;
  const isInOrder = steps.every((step, at) => at === 0 || step.afterMs >= steps[at - 1].afterMs);
  console.log(steps.map((step) => step.text).join("; ") + (isInOrder ? "" : "; late"));
}

const accept = (journey) => journey.accepted("t-1");
const trade = (id) => (journey) => journey.traded(executed(id));
const gain = (id) => (journey) => journey.gained(gained(id));

await play(accept, trade("t-1"), gain("a"));
await play(trade("t-1"), gain("a"), accept);
await play(trade("t-2"), accept, gain("a"), trade("t-1"));
await play(accept, trade("t-1"), gain("a"), gain("b"), gain("a"));
await play(accept, (journey) => journey.traded({ type: "TradeRejected", trade_id: "t-1", reason: "insufficient_margin" }));
await play(trade("t-1"), gain("a"));
await playOf("close", trade("t-1"), accept, (journey) => journey.traded(closed), gain("a"));
await playOf("close", accept, (journey) => journey.traded({ type: "TradeRejected", trade_id: "t-1", reason: "trade_not_open" }));
process.exit(0); // a board that nobody asks for any more is not waited for
