// What feeds delivered, kept for the views. A view is drawn at most ten times a second, whatever arrives meanwhile.

import { type Signal, signal } from "@preact/signals";

import type { ProblemError } from "./api.ts";
import type { Receiver, Row } from "./feeds.ts";
import { beforeFrame } from "./frames.ts";

abstract class Rows implements Receiver {
  /** Counts the changes that views have to draw. A component is drawn again only when it has read this itself. */
  readonly version: Signal<number> = signal(0);
  /** Whether a snapshot, or the beginning of one, has arrived. */
  readonly loaded: Signal<boolean> = signal(false);
  /** Why the API refuses to send rows; null as long as it does not. */
  readonly refusal: Signal<ProblemError | null> = signal(null);
  readonly #draw = (): void => { this.version.value += 1; };

  fresh(): void {
    this.clear();
    this.loaded.value = true;
    this.refusal.value = null;
    beforeFrame(this.#draw);
  }

  rows(rows: Row[], about: { snapshot: boolean; removed: string[] }): void {
    this.take(rows, about);
    beforeFrame(this.#draw);
  }

  refused(why: ProblemError): void {
    this.clear();
    this.refusal.value = why;
    beforeFrame(this.#draw);
  }

  protected abstract clear(): void;
  protected abstract take(rows: Row[], about: { snapshot: boolean; removed: string[] }): void;
}

/** The rows of a table by their key, as they are now. */
export class Table extends Rows {
  readonly byKey = new Map<string, Row>();
  /** The keys that changed since `seen` was called. */
  readonly changed = new Set<string>();

  constructor(readonly keyOf: (row: Row) => string) {
    super();
  }

  seen(): Set<string> {
    const changed = new Set(this.changed);
    this.changed.clear();
    return changed;
  }

  protected clear(): void {
    this.byKey.clear();
    this.changed.clear();
  }

  protected take(rows: Row[], { snapshot, removed }: { snapshot: boolean; removed: string[] }): void {
    for (const key of removed) this.byKey.delete(key);
    for (const row of rows) {
      const key = row.deleted && this.byKey.has(row.key) ? row.key : this.keyOf(row); // a deleted row has the key of its table alone
      if (row.deleted) {
        this.byKey.delete(key);
        continue;
      }
      this.byKey.set(key, row);
      if (!snapshot) this.changed.add(key);
    }
  }
}

/** The newest events of a topic, the newest first, at most `most`. */
export class Tape extends Rows {
  /** Each with its number, which later events exceed; events of the snapshot have no positive number. */
  readonly events: { number: number; row: Row }[] = [];
  #number = 0;

  constructor(readonly most: number) {
    super();
  }

  protected clear(): void {
    this.events.length = 0;
    this.#number = 0;
  }

  protected take(rows: Row[], { snapshot }: { snapshot: boolean }): void {
    for (const row of rows.slice(-this.most)) {
      const number = snapshot ? -this.events.length : (this.#number += 1);
      this.events.unshift({ number, row });
    }
    this.events.length = Math.min(this.events.length, this.most);
  }
}
