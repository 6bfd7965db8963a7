// Place a practice trade, and watch it travel: accepted, executed, XP, board, each with its time since the order.

import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { request } from "../../data/api.ts";
import { feeds, useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { Table } from "../../data/rows.ts";
import { token } from "../../data/session.ts";
import { Form } from "../../parts/form.tsx";
import { Panel } from "../../parts/panel.tsx";

interface Step { text: string; afterMs: number }
interface Journey { began: number; tradeId: string; steps: Step[]; ended: boolean }

export function Order({ user }: { user: string }) {
  const prices = useFeed("prices", {}, () => new Table((row) => row.market));
  prices.version.value;
  const journey = useSignal<Journey | null>(null);
  useTravel(user, journey);
  const markets = [...prices.byKey.values()].sort((a, b) => a.market.localeCompare(b.market));
  const send = async (fields: Record<string, string>, key: string) => {
    const began = performance.now();
    journey.value = { began, tradeId: "", steps: [], ended: false };
    const order = { market: fields.market, side: fields.side, notional_usd: fields.notional, leverage: Number(fields.leverage), mode: "practice" };
    const accepted = await request<{ trade_id: string }>("POST", "/v1/trades", order, await token(), { "Idempotency-Key": key });
    note(journey, "accepted", began);
    journey.value = { ...journey.value, tradeId: accepted.trade_id };
  };
  return (
    <Panel title="Practice trade">
      <Form send={send} button="Place the order">
        <label>
          Market
          <select name="market" required>
            {markets.map((row) => <option key={row.market} value={row.market}>{row.market} at {decimal(row.price)}</option>)}
          </select>
        </label>
        <label>Side<select name="side"><option value="long">long</option><option value="short">short</option></select></label>
        <label>Amount, USD<input name="notional" inputMode="decimal" defaultValue="100" required pattern="\d+(\.\d{1,8})?" /></label>
        <label>Leverage<input name="leverage" type="number" min={1} max={100} defaultValue={1} required /></label>
      </Form>
      <Travelled journey={journey} />
    </Panel>
  );
}

/** Note a step of the journey that runs, once. */
function note(journey: Signal<Journey | null>, text: string, began: number, isLast = false): void {
  const now = journey.value;
  if (!now || now.ended || now.began !== began || now.steps.some((step) => step.text === text)) return;
  const steps = [...now.steps, { text, afterMs: performance.now() - began }];
  journey.value = { ...now, steps, ended: isLast };
}

function useTravel(user: string, journey: Signal<Journey | null>): void {
  useEffect(() => {
    const isOurs = (row: Row) => !journey.value?.tradeId || row.trade_id === journey.value.tradeId;
    const seen = (say: (row: Row) => [string, boolean?] | null) => ({
      fresh: () => {},
      rows: (rows: Row[], { snapshot }: { snapshot: boolean }) => {
        for (const row of snapshot ? [] : rows) {
          const told = journey.value && say(row);
          if (told && journey.value) note(journey, told[0], journey.value.began, told[1]);
        }
      },
    });
    const executed = seen((row) => {
      if (!isOurs(row)) return null;
      if (row.type === "TradeRejected") return [`rejected: ${row.reason}`, true];
      return row.type === "TradeExecuted" ? [`executed at ${decimal(row.price)}`] : null;
    });
    const left = [
      feeds.follow("my-trades", { last: 1 }, executed),
      feeds.follow("xp", { user, last: 1 }, seen((row) => (row.type === "XPGained" ? [`+${row.amount} XP`] : null))),
      feeds.follow("boards", { board: "trades", period: "all", top: 100 }, seen((row) => (row.user_id === user ? [`rank ${row.rank} on the board`, true] : null))),
    ];
    return () => { for (const leave of left) leave(); };
  }, [user]);
}

function Travelled({ journey }: { journey: Signal<Journey | null> }) {
  if (!journey.value) return null;
  return (
    <ol class="lines travel" aria-label="What became of the order" aria-live="polite">
      {journey.value.steps.map((step) => (
        <li key={step.text}><span>{step.text}</span><span class="number soft">{Math.round(step.afterMs)} ms</span></li>
      ))}
    </ol>
  );
}
