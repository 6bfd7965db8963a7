// What becomes of an order, or of the close of a trade: accepted, executed, experience, board. Each step has the time since then.

import { type Signal, signal } from "@preact/signals";

import type { Row } from "./feeds.ts";
import { decimal, usd } from "./format.ts";
import { words } from "./texts.ts";

export interface Step { text: string; afterMs: number }

const STAGES = ["accepted", "executed", "experience", "board"] as const;
type Stage = (typeof STAGES)[number];
interface Seen { stage: Stage; text: string; atMs: number; id: string }
/** Asks for the user's rank; null when the board has none. */
type AskRank = () => Promise<number | null>;

const AFTER_THE_BOARD_MS = 2_000; // experience of the same commit can come after the answer about the board
const WITHOUT_EXPERIENCE_MS = 3_000; // so long after the execution the board is asked all the same

/** Whether a trade is opened or closed. */
export type Kind = "order" | "close";

/** One order or close from its sending on. Feeds and the answer arrive in any order; the steps are in that of their causes. */
export class Journey {
  readonly steps: Signal<readonly Step[]> = signal([]);
  readonly kind: Kind;
  readonly #askRank: AskRank;
  readonly #began = performance.now();
  #tradeId = "";
  #early: [Row, number][] = [];
  #seen: Seen[] = [];
  #endsMs = Infinity;
  #asked = false;

  constructor(kind: Kind, askRank: AskRank) {
    this.kind = kind;
    this.#askRank = askRank;
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
    else if (this.kind === "order" && row.type === "TradeExecuted") this.#done(`executed at ${decimal(row.price)}`, atMs);
    else if (this.kind === "close" && row.type === "TradeClosed") this.#done(`closed at ${decimal(row.exit_price)}, profit ${usd(row.pnl_usd)} USD`, atMs);
    else if (this.kind === "close" && row.type === "TradeLiquidated") this.#done(`liquidated at ${decimal(row.exit_price)}, profit ${usd(row.pnl_usd)} USD`, atMs);
    else if (row.type === "TradeRejected") this.#end("executed", `rejected: ${words(row.reason)}`, atMs);
  }

  /** The user gained experience: the board has the trade, too, since both are of one commit. */
  gained(row: Row): void {
    if (row.type !== "XPGained") return;
    this.#note("experience", `+${row.amount} XP, ${row.source.replaceAll("_", " ")}`, this.#ms(), row.id);
  }

  #done(text: string, atMs: number): void {
    this.#note("executed", text, atMs);
    setTimeout(() => void this.#ask(), WITHOUT_EXPERIENCE_MS);
  }

  async #ask(): Promise<void> {
    if (this.#asked) return;
    this.#asked = true;
    const rank = await this.#askRank().catch(() => null);
    this.#end("board", rank === null ? "the board could not be read" : `rank ${decimal(rank)} on the board`);
  }

  #has = (stage: Stage): boolean => this.#seen.some((each) => each.stage === stage);

  #ms = (): number => performance.now() - this.#began;

  #end(stage: Stage, text: string, atMs = this.#ms()): void {
    this.#note(stage, text, atMs);
    this.#endsMs = Math.min(this.#endsMs, atMs + (stage === "board" ? AFTER_THE_BOARD_MS : 0));
  }

  #note(stage: Stage, text: string, atMs = this.#ms(), id: string = stage): void {
    if (atMs > this.#endsMs || this.#seen.some((each) => each.id === id)) return;
    this.#seen.push({ stage, text, atMs, id });
    if (this.#tradeId) this.steps.value = this.#inOrder();
    if (this.#has("executed") && this.#has("experience")) void this.#ask();
  }

  /** A step that came before its cause counts from its cause on: only then did the page show it. */
  #inOrder(): Step[] {
    const sorted = [...this.#seen].sort((a, b) => STAGES.indexOf(a.stage) - STAGES.indexOf(b.stage));
    let latest = 0;
    return sorted.map(({ text, atMs }) => ({ text, afterMs: (latest = Math.max(latest, atMs)) }));
  }
}
