// The first rows of a board, on the live view.

import { Panel } from "../../parts/panel.tsx";
import { BoardChoices, chosenBoard, useMarkets } from "../boards/chosen.tsx";
import { LiveRows } from "../boards/live_rows.tsx";

export function Board() {
  return (
    <Panel title="Leaderboard" kind="high">
      <BoardChoices markets={useMarkets()} />
      <LiveRows board={chosenBoard()} shown="" />
    </Panel>
  );
}
