// Follow a feed that the API takes and one that it refuses, over a socket and by server-sent events. Print what the page says.
const later = (ms) => new Promise((done) => setTimeout(done, ms));
const refusal = { status: 422, title: "Wrong parameters", errors: [{ parameter: "market", detail: "is not listed" }] };
const tick = { shift: 0 };
const now = Date.now;
Date.now = () => now() + tick.shift;
globalThis.location = { origin: "http://page" };

globalThis.WebSocket = class {
  static OPEN = 1;
  readyState = 1;
  constructor() { globalThis.socket = this; setTimeout(() => (globalThis.noSocket ? this.onclose() : this.onopen()), 0); }
  close() {}
  send(text) {
    const { type, subscription, feed } = JSON.parse(text);
    if (type === "subscribe") setTimeout(() => this.answer(subscription, feed), 0);
  }
  answer(subscription, feed) {
    if (feed === "boards") this.tell({ type: "problem", subscription, problem: refusal });
    else this.tell({ type: "event", subscription, event: "snapshot", id: "1", data: { rows: [], last: true } });
  }
  tell(message) { this.onmessage({ data: JSON.stringify(message) }); }
};
globalThis.EventSource = class {
  static CLOSED = 2;
  readyState = 2;
  constructor(url) { setTimeout(() => (url.includes("boards") ? this.onerror() : this.take()), 0); }
  addEventListener(event, heard) { if (event === "snapshot") this.take = () => heard({ data: JSON.stringify({ rows: [], last: true }) }); }
  close() {}
};
globalThis.fetch = async (url) => (url.includes("/livez") ? { ok: true } : { status: 422, json: async () => refusal });

const { Feeds } = await import(process.argv[2]);

async function told() {
  const feeds = new Feeds();
  const refused = [];
  feeds.follow("prices", {}, { fresh: () => {}, rows: () => {} });
  feeds.follow("boards", { market: "NOPE" }, { fresh: () => {}, rows: () => {}, refused: (why) => refused.push(`${why.message}: ${why.detail}`) });
  for (let waited = 0; waited < 20_000 && !(refused.length && feeds.heard); waited += 20) await later(20);
  const heard = feeds.heard;
  tick.shift += 11_000;
  const state = feeds.state;
  tick.shift += 2_000;
  return { refused, isHeard: heard > 0, state, silent: feeds.state };
}

const socket = await told();
globalThis.noSocket = true;
console.log(JSON.stringify({ socket, sources: await told() }));
process.exit(0);
