// A score as its board counts it.

import { decimal } from "../../data/format.ts";
import { Usd } from "../../parts/texts.tsx";
import type { ChosenBoard } from "./chosen.tsx";

export function Score({ board, score }: { board: ChosenBoard; score: string | number }) {
  return board.isUsd ? <Usd amount={String(score)} signed={board.isSigned} /> : <>{decimal(score)}</>;
}
