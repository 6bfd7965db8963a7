// What happens now: the pipeline at a glance, markets, a board, the fills, what users earned, activity, seasons and fees.

import { Activity } from "./live/activity.tsx";
import { Board } from "./live/board.tsx";
import { Earned } from "./live/earned.tsx";
import { Fees } from "./live/fees.tsx";
import { Fills } from "./live/fills.tsx";
import { Glance } from "./live/glance.tsx";
import { Seasons } from "./live/seasons.tsx";
import { Traded } from "./live/traded.tsx";

export function Live() {
  return (
    <>
      <h1 class="hidden">Live</h1>
      <Glance />
      <div class="grid">
        <Traded />
        <Board />
        <Fills />
        <Earned />
        <Fees />
        <Activity />
        <Seasons />
      </div>
    </>
  );
}
