// The first rows of a board as they are now, and how ranks move while the page is open.

import { useRef } from "preact/hooks";

import { useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { Table } from "../../data/rows.ts";
import { Empty, Refused } from "../../parts/panel.tsx";
import { UserName } from "../../parts/texts.tsx";
import { choose } from "../../shell/router.ts";
import type { ChosenBoard } from "./chosen.tsx";
import { Score } from "./score.tsx";

const ROWS = 50;
const MOVE_SHOWN_MS = 10_000;

/** A private user has no id on a board; the rank stands for it. */
const keyOf = (row: Row): string => row.constellation_id ?? row.user_id ?? `#${row.rank}`;

/** The rows of a board of all users, or of the members of a constellation. */
export function LiveRows({ board, shown, constellation }: { board: ChosenBoard; shown: string; constellation?: string }) {
  const [name, query] = feedOf(board, constellation);
  const table = useFeed(name, query, () => new Table(keyOf));
  table.version.value; // draw again when it changes
  const rows = [...table.byKey.values()].sort((a, b) => a.rank - b.rank);
  const changed = table.seen();
  const moves = useMoves(rows, JSON.stringify([name, query]));
  if (table.refusal.value) return <Refused why={table.refusal.value}>Choose another board, period or market.</Refused>;
  if (rows.length === 0) return <Empty loaded={table.loaded.value}>Nobody is on this board yet.</Empty>;
  const isOfUsers = board.scope !== "constellations";
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Rows of the board">
      <table>
        <thead>
          <tr>
            <th scope="col" class="rank">#</th>
            <th scope="col"><span class="hidden">Move</span></th>
            <th scope="col">{isOfUsers ? "Trader" : "Constellation"}</th>
            <th scope="col" class="number">{board.title}{board.isUsd ? ", USD" : ""}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => {
            const key = keyOf(row);
            return (
              <tr key={key} class={[row.rank <= 3 && "first", changed.has(key) && "new", key === shown && "own"].filter(Boolean).join(" ")}>
                <td class="rank">{row.rank}</td>
                <td class="move"><Move by={moves.get(key) ?? 0} /></td>
                <td><Name row={row} /></td>
                <td class="number"><Score board={board} score={row.score} /></td>
              </tr>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

function feedOf(board: ChosenBoard, constellation?: string): [string, Record<string, string | number>] {
  const query = { ...board.query, top: ROWS };
  if (constellation) return ["members-board", { board: board.board, constellation, ...query }];
  if (board.scope === "constellations") return ["boards", { board: "xp", constellations: "true", period: board.period, top: ROWS }];
  if (board.scope === "friends") return ["friends-board", { board: board.board, ...query }];
  return ["boards", { board: board.board, ...query }];
}

function Name({ row }: { row: Row }) {
  if (row.constellation_id) return <span class="user">{row.constellation_id}</span>;
  if (!row.user_id) return <span class="user soft">private</span>;
  return <button type="button" class="link user" title={row.user_id} onClick={() => choose({ user: row.user_id })}><UserName id={row.user_id} /></button>;
}

function Move({ by }: { by: number }) {
  if (by === 0) return null;
  const [colour, arrow, word] = by > 0 ? ["up", "▲", "up"] : ["down", "▼", "down"];
  return <span class={colour}><span aria-hidden="true">{arrow}</span><span class="hidden">{word}</span>{Math.abs(by)}</span>;
}

/** Return by how many ranks each row has risen lately. */
function useMoves(rows: Row[], of: string): Map<string, number> {
  const known = useRef({ of, ranks: new Map<string, number>(), moves: new Map<string, { by: number; until: number }>() });
  if (known.current.of !== of) known.current = { of, ranks: new Map(), moves: new Map() };
  const { ranks, moves } = known.current;
  const now = Date.now();
  for (const row of rows) {
    const key = keyOf(row);
    const before = ranks.get(key);
    if (before !== undefined && before !== row.rank && !key.startsWith("#")) moves.set(key, { by: before - row.rank, until: now + MOVE_SHOWN_MS });
    ranks.set(key, row.rank);
  }
  for (const [key, move] of moves) if (move.until < now) moves.delete(key);
  return new Map([...moves].map(([key, move]) => [key, move.by]));
}
