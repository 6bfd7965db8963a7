// What happens now: the pipeline at a glance, markets, a board, the fills, what users earned, activity, seasons and fees.

import { Activity } from "./live/activity.tsx";
import { Board } from "./live/board.tsx";
import { Candles } from "./live/candles.tsx";
import { Earned } from "./live/earned.tsx";
import { Fees } from "./live/fees.tsx";
import { Fills } from "./live/fills.tsx";
import { Glance } from "./live/glance.tsx";
import { Markets } from "./live/markets.tsx";
import { Seasons } from "./live/seasons.tsx";
import { useTraded } from "./live/traded.tsx";
import { user } from "../data/session.ts";
import { follow } from "../shell/router.ts";

export function Live() {
  const { markets, market, rows, loaded } = useTraded();
  return (
    <>
      <h1 class="hidden">Live</h1>
      {!user.value && <p>AstraTrade makes trading a game: trades earn XP, levels and ranks. <a href="/player?account=new" onClick={follow}>Create an account</a> and place a practice trade.</p>}
      <Glance />
      <div class="pair">
        <div class="stack">
          <Candles markets={markets} market={market} />
          <Fills />
          <Activity />
          <Seasons />
        </div>
        <div class="stack">
          <Markets rows={rows} loaded={loaded} />
          <Board />
          <Earned />
          <Fees />
        </div>
      </div>
    </>
  );
}
