// Follow a feed whose people change: the server ends it with `changed`. Print what the page subscribes to, and what it says of the connection.
const sent = [];
globalThis.location = { origin: "http://page" };
globalThis.WebSocket = class {
  static OPEN = 1;
  readyState = 1;
  constructor() { globalThis.socket = this; setTimeout(() => this.onopen(), 0); }
  send(text) { sent.push(JSON.parse(text)); }
  close() {}
  tell(message) { this.onmessage({ data: JSON.stringify(message) }); }
};
const { Feeds } = await import(process.argv[2]);
const feeds = new Feeds();
const states = new Set();
feeds.changed = () => states.add(feeds.state);
feeds.follow("community", {}, { fresh: () => {}, rows: () => {} });
await new Promise((done) => setTimeout(done, 20));
const [{ subscription }] = sent;
socket.tell({ type: "event", subscription, event: "snapshot", id: "seven", data: { rows: [], last: true } });
socket.tell({ type: "ended", subscription, why: "changed" });
await new Promise((done) => setTimeout(done, 20));
console.log(JSON.stringify({ states: [...states], resumed: sent.slice(1).map(({ type, feed, last_event_id }) => [type, feed, last_event_id]) }));
process.exit(0);
