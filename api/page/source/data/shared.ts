// What components follow together: the rows of a feed and a query, which all of them read from one subscription.

import type { Query, Receiver } from "./feeds.ts";

type Follow = (name: string, query: Query, receiver: Receiver) => () => void;

/** Rows of a feed, and how many components read them. */
export interface SharedRows<R> {
  rows: R;
  /** Follow the feed, unless it is followed, until the returned function is called as often as this one. */
  hold: () => () => void;
}

export class Shared {
  readonly #byKey = new Map<string, SharedRows<Receiver>>();

  constructor(readonly follow: Follow) {}

  /** Return the rows of a feed that somebody reads already, or what `make` returns. */
  of<R extends Receiver>(name: string, query: Query, make: () => R): SharedRows<R> {
    const key = JSON.stringify([name, query]);
    const found = this.#byKey.get(key) ?? this.#made(key, name, query, make());
    this.#byKey.set(key, found);
    return found as SharedRows<R>; // whoever follows the same feed and query keeps its rows alike
  }

  /** Give those who come next rows of their own: what one user was shown is not for another. */
  forget(): void {
    this.#byKey.clear();
  }

  #made(key: string, name: string, query: Query, rows: Receiver): SharedRows<Receiver> {
    let readers = 0;
    let leave = () => {};
    const drop = () => {
      if ((readers -= 1) > 0) return;
      leave();
      if (this.#byKey.get(key) === made) this.#byKey.delete(key);
    };
    const hold = () => {
      if ((readers += 1) === 1) leave = this.follow(name, query, rows);
      return drop;
    };
    const made = { rows, hold };
    return made;
  }
}
