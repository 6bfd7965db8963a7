// Play orders on the page's module, and print the steps of each: a line with their texts, "late" where times go back.
import { pathToFileURL } from "node:url";

const { Journey } = await import(pathToFileURL(process.argv[2]).href);
const executed = (trade_id) => ({ type: "TradeExecuted", trade_id, price: "22.50" });
const gained = { type: "XPGained", amount: 10 };
const ranked = (user_id) => ({ user_id, rank: 5 });

function play(...acts) {
  const journey = new Journey("nova");
  for (const act of acts) act(journey);
  const steps = journey.steps.value;
  const isInOrder = steps.every((step, at) => at === 0 || step.afterMs >= steps[at - 1].afterMs);
  console.log(steps.map((step) => step.text).join(", ") + (isInOrder ? "" : ", late"));
}

const accept = (journey) => journey.accepted("t-1");
const trade = (id) => (journey) => journey.traded(executed(id));
const gain = (journey) => journey.gained(gained);
const rank = (user) => (journey) => journey.ranked(ranked(user));

play(accept, trade("t-1"), gain, rank("nova"));
play(trade("t-1"), gain, rank("nova"), accept);
play(trade("t-2"), accept, rank("nova"), gain, rank("vega"), trade("t-1"));
play(accept, (journey) => journey.traded({ type: "TradeRejected", trade_id: "t-1", reason: "insufficient_margin" }));
play(trade("t-1"), gain);
