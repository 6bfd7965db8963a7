// Place a practice trade, and watch it travel: accepted, executed, XP, board, each with its time since the order.

import { type Signal, useSignal } from "@preact/signals";
import { useEffect, useState } from "preact/hooks";

import { get, request } from "../../data/api.ts";
import { feeds } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { Journey } from "../../data/journey.ts";
import type { Prices } from "../../data/prices.ts";
import { useRules } from "../../data/rules.ts";
import { token } from "../../data/session.ts";
import { Form } from "../../parts/form.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";

/** `ownLeverage` is the most that the player's level allows; null before the first XP. */
export function Order({ user, prices, ownLeverage }: { user: string; prices: Prices; ownLeverage: number | null }) {
  const journey = useSignal<Journey | null>(null);
  useTravel(user, journey);
  const [chosen, setChosen] = useState("");
  const rules = useRules();
  const markets = [...prices.byMarket.values()].sort((a, b) => a.market.localeCompare(b.market));
  const ofMarket = rules?.markets[chosen || (markets[0]?.market ?? "")];
  const leverageMax = rules && ofMarket ? Math.min(ofMarket, ownLeverage ?? rules.levels.leverage_first) : undefined;
  const send = async (fields: Record<string, string>, key: string) => {
    const sent = new Journey(() => rankOf(user));
    journey.value = sent;
    const order = { market: fields.market, side: fields.side, notional_usd: fields.notional, leverage: Number(fields.leverage), mode: "practice" };
    const accepted = await request<{ trade_id: string }>("POST", "/v1/trades", order, await token(), { "Idempotency-Key": key });
    sent.accepted(accepted.trade_id);
  };
  return (
    <Panel title="Practice trade">
      {markets.length === 0 && <Empty loaded={prices.loaded}>No market has a price yet, so orders would be rejected.</Empty>}
      <Form send={send} button="Place the order">
        <label>
          Market
          <select name="market" required onChange={(event) => setChosen(event.currentTarget.value)}>
            {markets.map((row) => <option key={row.market} value={row.market}>{row.market} at {decimal(row.price)}</option>)}
          </select>
        </label>
        <label>Side<select name="side"><option value="long">long</option><option value="short">short</option></select></label>
        <label>Amount, USD<input name="notional" inputMode="decimal" defaultValue="100" required pattern="\d+(\.\d{1,8})?" /></label>
        <label>Leverage<input name="leverage" type="number" min={1} max={leverageMax} defaultValue={1} required /></label>
      </Form>
      <Travelled of={journey.value} />
    </Panel>
  );
}

async function rankOf(user: string): Promise<number | null> {
  const { rows } = await get<{ rows: Row[] }>("/v1/leaderboards/trades/ranks", { period: "all", user }, await token());
  return rows[0]?.rank ?? null;
}

function useTravel(user: string, journey: Signal<Journey | null>): void {
  useEffect(() => {
    const seen = (tell: (of: Journey, row: Row) => void) => ({
      fresh: () => {},
      rows: (rows: Row[], { snapshot }: { snapshot: boolean }) => {
        const now = journey.value;
        if (now && !snapshot) for (const row of rows) tell(now, row);
      },
    });
    const left = [
      feeds.follow("my-trades", { last: 1 }, seen((of, row) => of.traded(row))),
      feeds.follow("xp", { user, last: 1 }, seen((of, row) => of.gained(row))),
    ];
    return () => { for (const leave of left) leave(); };
  }, [user]);
}

function Travelled({ of }: { of: Journey | null }) {
  if (!of || of.steps.value.length === 0) return null;
  return (
    <ol class="lines travel" aria-label="What became of the order" aria-live="polite">
      {of.steps.value.map((step, at) => (
        <li key={at}><span>{step.text}</span><span class="number soft">{Math.round(step.afterMs)} ms</span></li>
      ))}
    </ol>
  );
}
