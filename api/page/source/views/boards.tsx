// A board of any kind, period and scope: its first rows live, the place of a user, and the proof of a sealed rank.

import { user } from "../data/session.ts";
import { Empty, Panel } from "../parts/panel.tsx";
import { choice } from "../shell/router.ts";
import { BoardChoices, chosenBoard, useMarkets } from "./boards/chosen.tsx";
import { LiveRows } from "./boards/live_rows.tsx";
import { Place } from "./boards/place.tsx";
import { Seal } from "./boards/seal.tsx";
import { SealedPeriods } from "./boards/sealed.tsx";

export function Boards() {
  const board = chosenBoard();
  const markets = useMarkets();
  const shown = choice("user", "") || user.value || "";
  const isOwn = shown !== "" && shown === user.value;
  return (
    <>
      <h1>Boards</h1>
      <div class="pair">
        <Panel title={board.title} kind="tall roomy">
          <BoardChoices markets={markets} scopes />
          {board.scope === "friends" && !user.value ? <Empty loaded>Sign in to see a board of whom you follow.</Empty> : <LiveRows board={board} shown={shown} />}
        </Panel>
        <div class="stack">
          {board.scope !== "constellations" && <Place board={board} user={shown} isOwn={isOwn} />}
          <Seal board={board} user={isOwn ? shown : ""} />
          <SealedPeriods board={board} />
        </div>
      </div>
    </>
  );
}
