// The feeds of the page: all over one WebSocket, or, where none opens, each as server-sent events.

import { type ProblemError, problemOf } from "./api.ts";
import { pathOf } from "./paths.ts";

const SILENT_MS = 12_000; // a feed sends something at least every 5 s
const AGAIN_MS = 2_000;
const OPENS_WITHIN_MS = 5_000;
const FAILURES_MAX = 2; // so often a socket may fail to open, while the API answers, before the page uses server-sent events
const SOCKET_AGAIN_MS = 30_000; // with server-sent events, a socket is tried again after so long
const UNPROCESSABLE = 422; // a query that the API never takes

export type Query = Record<string, string | number | boolean>;
export type Row = Record<string, any>;

/** Receives a feed: `fresh` before the rows of a snapshot, `rows` for the rows of one event, `refused` when the API never takes its query. */
export interface Receiver {
  fresh(): void;
  rows(rows: Row[], about: { snapshot: boolean; removed: string[] }): void;
  refused?(why: ProblemError): void;
}

export type Connection = "live" | "connecting" | "stalled" | "lost";

/** One feed and what is known of its stream. */
class Feed {
  lastId: string | null = null;
  heard = 0;
  readonly begun = Date.now();
  stalled = false;
  lost = false;
  /** Whether the API refused the query. There is nothing to wait for then. */
  refused = false;
  #inSnapshot = false;

  constructor(readonly name: string, readonly query: Query, readonly receiver: Receiver) {}

  take(event: string, data: any, id?: string): void {
    this.heard = Date.now();
    this.stalled = false;
    this.lost = false;
    this.refused = false;
    if (id !== undefined) this.lastId = id || null;
    if (event === "snapshot") {
      if (!this.#inSnapshot) this.receiver.fresh();
      this.#inSnapshot = !data.last;
      this.receiver.rows(data.rows, { snapshot: true, removed: [] });
    } else if (event === "delta") {
      if (data.complete) this.receiver.fresh();
      this.receiver.rows(data.rows, { snapshot: false, removed: data.removed ?? [] });
    } else if (event === "progress") {
      this.stalled = data.stalled;
    } else if (event === "resync") {
      this.#inSnapshot = false;
    }
  }

  lose(): void {
    this.lost = true;
    this.interrupt();
  }

  refuse(why: ProblemError): void {
    this.refused = true;
    this.receiver.refused?.(why);
  }

  /** Note that what comes next begins a snapshot anew, or resumes. */
  interrupt(): void {
    this.#inSnapshot = false;
  }
}

/** All feeds of the page. `changed` is called when the state of the connection may have changed. */
export class Feeds {
  changed: () => void = () => {};
  /** Returns the access token of whoever is signed in; null for nobody. */
  token: () => Promise<string | null> = async () => null;
  #feeds = new Set<Feed>();
  #subscriptions = new Map<string, Feed>(); // a new name for each subscription tells late events apart
  #sources = new Map<Feed, EventSource | null>(); // when no socket opens; null while a source is being opened
  #socket: WebSocket | null = null;
  #isReady = false; // the socket is open, and knows who follows
  #numbers = 0;
  #failures = 0;
  #timer: ReturnType<typeof setTimeout> | null = null;
  #paused = false;

  constructor(readonly origin: string = globalThis.location?.origin ?? "") {}

  /** Follow a feed until the returned function is called. */
  follow(name: string, query: Query, receiver: Receiver): () => void {
    const feed = new Feed(name, query, receiver);
    this.#feeds.add(feed);
    if (!this.#paused) this.#open(feed);
    return () => {
      this.#feeds.delete(feed);
      this.#leave(feed);
    };
  }

  /** Close all connections, as a hidden page does. The feeds resume where they were. */
  pause(): void {
    this.#paused = true;
    this.#isReady = false;
    for (const feed of this.#feeds) this.#leave(feed);
    if (this.#timer) clearTimeout(this.#timer);
    this.#timer = null;
    const socket = this.#socket;
    this.#socket = null;
    socket?.close();
  }

  /** Connect again, as another user or as nobody. A page that is hidden stays without connections. */
  reconnect(): void {
    const wasPaused = this.#paused;
    this.pause();
    for (const feed of this.#feeds) feed.lastId = null;
    if (!wasPaused) this.resume();
  }

  resume(): void {
    if (!this.#paused) return;
    this.#paused = false;
    for (const feed of this.#feeds) this.#open(feed);
  }

  get state(): Connection {
    const all = this.#taken;
    const now = Date.now();
    if (all.some((feed) => feed.lost || now - (feed.heard || feed.begun) > SILENT_MS)) return "lost";
    if (all.some((feed) => feed.stalled)) return "stalled";
    return all.length > 0 && all.every((feed) => feed.heard === 0) ? "connecting" : "live"; // a further feed changes nothing
  }

  /** When the feed that has been silent longest last sent something, in milliseconds since 1970; 0 before any has. */
  get heard(): number {
    const times = this.#taken.map((feed) => feed.heard).filter((at) => at > 0);
    return times.length ? Math.min(...times) : 0;
  }

  /** The feeds that the API has not refused. */
  get #taken(): Feed[] {
    return [...this.#feeds].filter((feed) => !feed.refused);
  }

  #open(feed: Feed): void {
    if (this.#failures >= FAILURES_MAX) void this.#stream(feed);
    else if (this.#isReady) this.#subscribe(feed);
    else if (!this.#socket && !this.#timer) this.#connect();
  }

  #leave(feed: Feed): void {
    this.#sources.get(feed)?.close();
    this.#sources.delete(feed);
    feed.interrupt();
    for (const [subscription, one] of this.#subscriptions) {
      if (one !== feed) continue;
      this.#subscriptions.delete(subscription);
      this.#send({ type: "unsubscribe", subscription });
    }
  }

  // --- the socket ----------------------------------------------------------------------------------------------------

  #connect(): void {
    const socket = new WebSocket(`${this.origin.replace(/^http/, "ws")}/v1/ws`);
    let opened = false;
    this.#socket = socket;
    const patience = setTimeout(() => { if (!opened) socket.close(); }, OPENS_WITHIN_MS);
    socket.onopen = async () => {
      opened = true;
      this.#failures = 0;
      await this.#authenticate(socket);
      if (this.#socket !== socket || socket.readyState !== WebSocket.OPEN) return;
      this.#isReady = true;
      for (const feed of this.#feeds) {
        this.#sources.get(feed)?.close();
        this.#sources.delete(feed);
        this.#subscribe(feed);
      }
    };
    socket.onmessage = ({ data }) => { if (this.#socket === socket) this.#take(JSON.parse(data)); };
    socket.onclose = () => {
      clearTimeout(patience);
      if (this.#socket !== socket) return;
      this.#socket = null;
      this.#isReady = false;
      this.#subscriptions.clear();
      if (opened) for (const feed of this.#feeds) feed.lose();
      this.changed();
      void this.#again(opened);
    };
  }

  /** Say who follows, before feeds that are private. The server answers in order. */
  async #authenticate(socket: WebSocket): Promise<void> {
    const token = await this.token().catch(() => null); // without one, public feeds go on
    if (token && this.#socket === socket) this.#send({ type: "authenticate", token });
  }

  /** Connect again after a while. Sockets that fail although the API answers are not to be had here: stream meanwhile. */
  async #again(wasOpen: boolean): Promise<void> {
    if (!wasOpen && await this.#isApiThere()) this.#failures += 1;
    if (this.#paused || this.#socket || this.#timer) return;
    const streams = this.#failures >= FAILURES_MAX;
    if (streams) for (const feed of this.#feeds) void this.#stream(feed);
    this.#timer = setTimeout(() => {
      this.#timer = null;
      if (this.#feeds.size && !this.#paused && !this.#socket) this.#connect();
    }, streams ? SOCKET_AGAIN_MS : AGAIN_MS);
  }

  async #isApiThere(): Promise<boolean> {
    return fetch(`${this.origin}/livez`).then((answer) => answer.ok, () => false);
  }

  #subscribe(feed: Feed): void {
    const subscription = String(this.#numbers += 1);
    this.#subscriptions.set(subscription, feed);
    const resume = feed.lastId ? { last_event_id: feed.lastId } : {};
    this.#send({ type: "subscribe", subscription, feed: feed.name, query: feed.query, ...resume });
  }

  #send(message: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(message));
  }

  #take(message: any): void {
    if (message.type === "expiring" && this.#socket) void this.#authenticate(this.#socket);
    const feed = this.#subscriptions.get(message.subscription);
    if (!feed) return;
    if (message.type === "event") {
      feed.take(message.event, message.data, message.id);
    } else if (message.type === "ended" || message.type === "problem") {
      this.#subscriptions.delete(message.subscription);
      feed.interrupt();
      if (message.problem?.status === UNPROCESSABLE) { // such as a wrong choice in the address
        feed.refuse(problemOf(UNPROCESSABLE, message.problem));
      } else if (message.why === "changed") { // it shows other people now
        if (!this.#paused) this.#open(feed);
      } else {
        feed.lose();
        setTimeout(() => void this.#retry(feed), AGAIN_MS);
      }
    }
    this.changed();
  }

  /** Follow a feed again, as whoever is signed in now: the token may have been missing or old. */
  async #retry(feed: Feed): Promise<void> {
    const socket = this.#socket;
    if (socket && this.#isReady) await this.#authenticate(socket);
    if (this.#feeds.has(feed) && !this.#paused && ![...this.#subscriptions.values()].includes(feed)) this.#open(feed);
  }

  // --- server-sent events --------------------------------------------------------------------------------------------

  async #stream(feed: Feed): Promise<void> {
    if (this.#sources.has(feed)) return;
    this.#sources.set(feed, null);
    const query = new URLSearchParams(Object.entries(feed.query).map(([name, value]) => [name, String(value)]));
    const token = await this.token().catch(() => null);
    const path = pathOf`/v1/feed/${feed.name}`;
    const opening = new URLSearchParams(query);
    if (token) opening.set("ticket", await this.#ticket(token));
    if (this.#sources.get(feed) !== null || this.#isReady) return; // it was left, or a socket has opened
    const source = new EventSource(`${this.origin}${path}?${opening}`);
    this.#sources.set(feed, source);
    for (const event of ["snapshot", "delta", "progress", "resync"]) {
      source.addEventListener(event, (message) => {
        feed.take(event, JSON.parse((message as MessageEvent).data));
        this.changed();
      });
    }
    source.onerror = async () => {
      const why = source.readyState === EventSource.CLOSED ? await this.#refusal(`${path}?${query}`, token) : null;
      if (this.#sources.get(feed) !== source) return;
      if (why) feed.refuse(why);
      else feed.lose();
      this.changed();
      if (why) return;
      // A browser gives up after an error answer (503 while the broker is away), and a ticket opens one feed. Try again.
      if (source.readyState !== EventSource.CLOSED && !token) return;
      source.close();
      setTimeout(() => {
        if (this.#sources.get(feed) !== source) return;
        this.#sources.delete(feed);
        void this.#stream(feed);
      }, AGAIN_MS);
    };
  }

  /** Return why the API refuses the query of a feed, which an event source does not tell; null when it does not. */
  async #refusal(path: string, token: string | null): Promise<ProblemError | null> {
    const asked = new AbortController();
    const headers: Record<string, string> = token ? { Authorization: `Bearer ${token}` } : {};
    const answer = await fetch(this.origin + path, { headers, signal: asked.signal }).catch(() => null);
    const why = answer?.status === UNPROCESSABLE ? problemOf(UNPROCESSABLE, await answer.json().catch(() => ({}))) : null;
    asked.abort();
    return why;
  }

  /** Return a ticket: a browser cannot send a token with server-sent events. */
  async #ticket(token: string): Promise<string> {
    const headers = { Authorization: `Bearer ${token}` };
    const answer = await fetch(`${this.origin}/v1/feed/tickets`, { method: "POST", headers }).catch(() => null);
    return answer?.ok ? (await answer.json()).ticket : "none"; // a wrong ticket is refused, and the feed tried again
  }
}
