// Place a practice trade, and watch it travel.

import { useState } from "preact/hooks";

import { request } from "../../data/api.ts";
import { over, times } from "../../data/decimals.ts";
import { decimal } from "../../data/format.ts";
import type { Prices } from "../../data/prices.ts";
import { useRules } from "../../data/rules.ts";
import { token } from "../../data/session.ts";
import { Form } from "../../parts/form.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { Usd } from "../../parts/texts.tsx";
import { type Travel, Travelled } from "./travel.tsx";

const MILLION = "1000000";
const USD_DECIMALS = 8;
const AMOUNT = /^\d+(\.\d{1,8})?$/;

/** `ownLeverage` is the most that the player's level allows; null before the first XP. */
export function Order({ travel, prices, ownLeverage }: { travel: Travel; prices: Prices; ownLeverage: number | null }) {
  const [amount, setAmount] = useState("100");
  const [chosen, setChosen] = useState("");
  const rules = useRules();
  const markets = [...prices.byMarket.values()].sort((a, b) => a.market.localeCompare(b.market));
  const ofMarket = rules?.markets[chosen || (markets[0]?.market ?? "")];
  const leverageMax = rules && ofMarket ? Math.min(ofMarket, ownLeverage ?? rules.levels.leverage_first) : undefined;
  const send = async (fields: Record<string, string>, key: string) => {
    const sent = travel.begin("order");
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
        <label>Amount, USD<input name="notional" inputMode="decimal" defaultValue="100" required pattern={AMOUNT.source.slice(1, -1)} onInput={(event) => setAmount(event.currentTarget.value)} /></label>
        <label>Leverage<input name="leverage" type="number" min={1} max={leverageMax} defaultValue={1} required /></label>
        {rules && <Fee amount={amount} ppm={String(rules.fee_ppm)} />}
      </Form>
      <Travelled kind="order" travel={travel} />
    </Panel>
  );
}

function Fee({ amount, ppm }: { amount: string; ppm: string }) {
  const fee = AMOUNT.test(amount) ? over(times(amount, ppm), MILLION, USD_DECIMALS) : null;
  return <p class="soft line">Opening costs {decimal(over(ppm, "10000", 4))} % of the amount{fee && <>: <Usd amount={fee} /> USD</>}. Closing costs nothing.</p>;
}
