// What happens now: the pipeline at a glance, a board, the fills, what users earned, and the fees.

import { Board } from "./live/board.tsx";
import { Candles } from "./live/candles.tsx";
import { Earned } from "./live/earned.tsx";
import { Fees } from "./live/fees.tsx";
import { Fills } from "./live/fills.tsx";
import { Glance } from "./live/glance.tsx";

export function Live() {
  return (
    <>
      <h1 class="hidden">Live</h1>
      <Glance />
      <div class="grid">
        <Candles />
        <Board />
        <Fills />
        <Earned />
        <Fees />
      </div>
    </>
  );
}
