// What becomes of an order: accepted, executed, experience, board. Each step has the time since the order.

import { type Signal, signal } from "@preact/signals";

import type { Row } from "./feeds.ts";
import { decimal } from "./format.ts";

export interface Step { text: string; afterMs: number }

const STAGES = ["accepted", "executed", "experience", "board"] as const;
type Stage = (typeof STAGES)[number];
interface Seen { stage: Stage; text: string; atMs: number }

const AFTER_THE_BOARD_MS = 2_000; // the experience of the same commit comes by another feed

/** One order from its sending on. Feeds and the answer arrive in any order; the steps are in that of their causes. */
export class Journey {
  readonly steps: Signal<readonly Step[]> = signal([]);
  readonly #user: string;
  readonly #began = performance.now();
  #tradeId = "";
  #early: [Row, number][] = [];
  #seen: Seen[] = [];
  #endsMs = Infinity;

  constructor(user: string) {
    this.#user = user;
  }

  /** The API has accepted the order. Trades that feeds told before are now known to be this one, or not. */
  accepted(tradeId: string): void {
    this.#tradeId = tradeId;
    this.#note("accepted", "accepted");
    for (const [row, atMs] of this.#early) this.traded(row, atMs);
    this.#early = [];
  }

  /** An event of the user's trades. */
  traded(row: Row, atMs = this.#ms()): void {
    if (!this.#tradeId) this.#early.push([row, atMs]);
    else if (row.trade_id !== this.#tradeId) return;
    else if (row.type === "TradeExecuted") this.#note("executed", `executed at ${decimal(row.price)}`, atMs);
    else if (row.type === "TradeRejected") this.#end("executed", `rejected: ${row.reason}`, atMs);
  }

  /** The user gained experience. */
  gained(row: Row): void {
    if (row.type === "XPGained") this.#note("experience", `+${row.amount} XP`);
  }

  /** A row of the board changed. */
  ranked(row: Row): void {
    if (row.user_id === this.#user) this.#end("board", `rank ${row.rank} on the board`);
  }

  #ms = (): number => performance.now() - this.#began;

  #end(stage: Stage, text: string, atMs = this.#ms()): void {
    this.#note(stage, text, atMs);
    this.#endsMs = Math.min(this.#endsMs, atMs + (stage === "board" ? AFTER_THE_BOARD_MS : 0));
  }

  #note(stage: Stage, text: string, atMs = this.#ms()): void {
    if (atMs > this.#endsMs || this.#seen.some((each) => each.text === text)) return;
    this.#seen.push({ stage, text, atMs });
    if (this.#tradeId) this.steps.value = this.#inOrder();
  }

  /** A step that came before its cause counts from its cause on: only then did the page show it. */
  #inOrder(): Step[] {
    const sorted = [...this.#seen].sort((a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage));
    let latest = 0;
    return sorted.map(({ text, atMs }) => ({ text, afterMs: (latest = Math.max(latest, atMs)) }));
  }
}
