// The feeds of the page: all over one WebSocket, or, where none opens, each as server-sent events.

const SILENT_MS = 12000; // a feed says something at least every 5 s
const AGAIN_MS = 2000;
const OPENS_WITHIN_MS = 5000;
const FAILURES_MAX = 2; // so often a socket may fail to open before the page uses server-sent events

/** Turns the events of one feed into calls: `fresh` before the rows of a snapshot, `rows` for the rows of one event. */
class Feed {
  constructor(name, query, { fresh, rows }) {
    Object.assign(this, { name, query, fresh, rows });
    Object.assign(this, { lastId: null, inSnapshot: false, heard: 0, stalled: false, lost: false });
  }

  take(event, data, id) {
    Object.assign(this, { heard: Date.now(), stalled: false, lost: false });
    if (id !== undefined) this.lastId = id || null;
    if (event === "snapshot") {
      if (!this.inSnapshot) this.fresh();
      this.inSnapshot = !data.last;
      this.rows(data.rows, { snapshot: true, removed: [] });
    } else if (event === "delta") {
      if (data.complete) this.fresh();
      this.rows(data.rows, { snapshot: false, removed: data.removed ?? [] });
    } else if (event === "progress") {
      this.stalled = data.stalled;
    } else if (event === "resync") {
      this.inSnapshot = false;
    }
  }

  lose() {
    this.lost = true;
    this.inSnapshot = false;
  }
}

/** All feeds of the page. `changed` is called when the state of the connection may have changed. */
export class Feeds {
  #feeds = new Map(); // feeds by the name of their place on the page
  #subscriptions = new Map(); // feeds by the name of their subscription; a new name each time tells late events apart
  #sources = new Map(); // EventSource by place, when no socket opens
  #socket = null;
  #numbers = 0;
  #failures = 0;
  #timer = null;

  constructor(changed) {
    this.changed = changed;
  }

  /** Follows a feed at a place of the page, and leaves the feed that was there before. */
  follow(place, name, query, handlers) {
    this.#leave(place);
    const feed = new Feed(name, query, handlers);
    this.#feeds.set(place, feed);
    if (this.#failures >= FAILURES_MAX) this.#stream(place, feed);
    else if (this.#socket?.readyState === WebSocket.OPEN) this.#subscribe(feed);
    else if (!this.#socket && !this.#timer) this.#connect();
  }

  /** Closes all connections, as a hidden page does. */
  close() {
    for (const place of [...this.#feeds.keys()]) this.#leave(place);
    clearTimeout(this.#timer);
    this.#timer = null;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  /** Returns the state of the connection: `live`, `connecting`, `stalled` or `lost`. */
  state() {
    const all = [...this.#feeds.values()];
    const now = Date.now();
    if (all.some((feed) => feed.lost || (feed.heard && now - feed.heard > SILENT_MS))) return "lost";
    if (all.some((feed) => feed.stalled)) return "stalled";
    return all.some((feed) => feed.heard === 0) ? "connecting" : "live";
  }

  #leave(place) {
    this.#sources.get(place)?.close();
    this.#sources.delete(place);
    const feed = this.#feeds.get(place);
    this.#feeds.delete(place);
    for (const [subscription, one] of this.#subscriptions) {
      if (one !== feed) continue;
      this.#subscriptions.delete(subscription);
      this.#send({ type: "unsubscribe", subscription });
    }
  }

  // --- the socket -----------------------------------------------------------------------------------------------------

  #connect() {
    const socket = new WebSocket(`${location.origin.replace(/^http/, "ws")}/v1/ws`);
    let opened = false;
    this.#socket = socket;
    const patience = setTimeout(() => { if (!opened) socket.close(); }, OPENS_WITHIN_MS);
    socket.onopen = () => {
      opened = true;
      this.#failures = 0;
      for (const feed of this.#feeds.values()) this.#subscribe(feed);
    };
    socket.onmessage = ({ data }) => { if (this.#socket === socket) this.#take(JSON.parse(data)); };
    socket.onclose = () => {
      clearTimeout(patience);
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#subscriptions.clear();
      if (!opened) this.#failures += 1;
      for (const feed of this.#feeds.values()) feed.lose();
      this.changed();
      this.#again();
    };
  }

  #again() {
    if (this.#failures >= FAILURES_MAX) {
      for (const [place, feed] of this.#feeds) this.#stream(place, feed);
      return;
    }
    this.#timer = setTimeout(() => { this.#timer = null; if (this.#feeds.size) this.#connect(); }, AGAIN_MS);
  }

  #subscribe(feed) {
    const subscription = String(this.#numbers += 1);
    this.#subscriptions.set(subscription, feed);
    const resume = feed.lastId ? { last_event_id: feed.lastId } : {};
    this.#send({ type: "subscribe", subscription, feed: feed.name, query: feed.query, ...resume });
  }

  #send(message) {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #take(message) {
    const feed = this.#subscriptions.get(message.subscription);
    if (!feed) return;
    if (message.type === "event") {
      feed.take(message.event, message.data, message.id);
    } else if (message.type === "ended" || message.type === "problem") {
      this.#subscriptions.delete(message.subscription);
      feed.lose();
      setTimeout(() => { if ([...this.#feeds.values()].includes(feed)) this.#subscribe(feed); }, AGAIN_MS);
    }
    this.changed();
  }

  // --- server-sent events ---------------------------------------------------------------------------------------------

  #stream(place, feed) {
    const source = new EventSource(`/v1/feed/${feed.name}?${new URLSearchParams(feed.query)}`);
    this.#sources.set(place, source);
    for (const event of ["snapshot", "delta", "progress", "resync"]) {
      source.addEventListener(event, ({ data }) => { feed.take(event, JSON.parse(data)); this.changed(); });
    }
    source.onerror = () => {
      feed.lose();
      this.changed();
      // A browser gives up after an error answer (503 while the broker is away), so try again.
      if (source.readyState !== EventSource.CLOSED) return;
      setTimeout(() => { if (this.#sources.get(place) === source) this.#stream(place, feed); }, AGAIN_MS);
    };
  }
}
