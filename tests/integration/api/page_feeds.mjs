// Follow the progress feed as the page does: `node page_feeds.mjs FEEDS_JS URL [sse | tabs]`; print a line for each event.

const [, , module, url, mode] = process.argv;
globalThis.location = { origin: url };
if (mode === "sse") {
  globalThis.WebSocket = class {
    static OPEN = 1;
    constructor() { setTimeout(() => this.onclose(), 0); }
    close() {}
  };
  globalThis.EventSource = class {
    static CLOSED = 2;
    readyState = 1;
    handlers = {};
    constructor(address) { this.read(address); }
    addEventListener(name, handle) { this.handlers[name] = handle; }
    close() {}
    async read(address) {
      const decoder = new TextDecoder();
      let text = "";
      for await (const chunk of (await fetch(address)).body) {
        text += decoder.decode(chunk);
        const frames = text.split("\n\n");
        text = frames.pop();
        for (const frame of frames) {
          const found = /^event: (\w+)\ndata: (.*)$/m.exec(frame);
          if (found) this.handlers[found[1]]?.({ data: found[2] });
        }
      }
    }
  };
}

const { Feeds } = await import(module);
const feeds = new Feeds();
const say = (line) => process.stdout.write(`${line}\n`);
feeds.follow("progress", { user: "alice" }, {
  fresh: () => say("fresh"),
  rows: (rows, { snapshot }) => { for (const row of rows) say(`${snapshot ? "snapshot" : "delta"} ${row.xp} ${feeds.state}`); },
});
if (mode === "tabs") { // a tab that is hidden and shown, and whose user changes in another tab meanwhile
  feeds.resume();
  setTimeout(() => feeds.resume(), 300);
  setTimeout(() => { feeds.pause(); feeds.reconnect(); feeds.resume(); feeds.resume(); }, 600);
  setInterval(() => feeds.resume(), 500);
}
setInterval(() => say(feeds.state), 100);
