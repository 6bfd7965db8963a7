// The first rows of a board, with the moves of ranks since they were last drawn.

import { useEffect, useState } from "preact/hooks";

import { get } from "../../data/api.ts";
import { useFeed } from "../../data/follow.ts";
import { decimal } from "../../data/format.ts";
import { type Period, periodOf } from "../../data/periods.ts";
import { Table } from "../../data/rows.ts";
import { Choose } from "../../parts/choose.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { Usd, User } from "../../parts/texts.tsx";
import { choice, choose } from "../../shell/router.ts";

const ROWS = 50;
const IN_USD = new Set(["volume", "pnl"]);
const BOARDS = [
  ["xp", "XP"], ["volume", "Volume"], ["pnl", "Profit and loss"], ["trades", "Trades"], ["streak_days", "Streak days"],
] as const;
const PERIODS = [["all", "All time"], ["day", "Day"], ["week", "Week"], ["month", "Month"], ["season", "Season"]] as const;
const TITLES: Record<string, string> = { volume: "Volume, USD", pnl: "Profit and loss, USD" };

/** A private user has no id on a board; the rank stands for it. */
const nameOf = (row: any): string => row.user_id ?? `#${row.rank}`;

export function Board() {
  const board = choice("board", "xp", BOARDS.map(([name]) => name));
  const period = choice<Period>("period", "all", PERIODS.map(([name]) => name));
  const day = choice("day", new Date().toISOString().slice(0, 10));
  const market = IN_USD.has(board) ? choice("market", "") : "";
  const markets = useMarkets();
  return (
    <Panel title="Leaderboard" kind="tall">
      <form onSubmit={(event) => event.preventDefault()}>
        <Choose name="board" label="Board" options={BOARDS} />
        <Choose name="period" label="Period" options={PERIODS} />
        {period !== "all" && (
          <label>
            of
            <input type="date" value={day} onChange={(event) => choose({ day: event.currentTarget.value })} />
          </label>
        )}
        {IN_USD.has(board) && <Choose name="market" label="Market" options={markets} />}
      </form>
      <Rows board={board} period={periodOf(period, day)} market={market} />
    </Panel>
  );
}

function Rows(props: { board: string; period: string; market: string }) {
  const { board, period, market } = props;
  const query = { board, period, top: ROWS, ...(market ? { market } : {}) };
  const table = useFeed("boards", query, () => new Table(nameOf));
  table.version.value; // draw again when it changes
  const rows = [...table.byKey.values()].sort((a, b) => a.rank - b.rank);
  const changed = table.seen();
  if (rows.length === 0) return <Empty loaded={table.loaded.value}>No traders on this board yet.</Empty>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Rows of the board">
      <table>
        <thead>
          <tr>
            <th scope="col" class="rank">#</th>
            <th scope="col">Trader</th>
            <th scope="col" class="number">{TITLES[board] ?? BOARDS.find(([name]) => name === board)?.[1]}</th>
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={nameOf(row)} class={`${row.rank <= 3 ? "first" : ""} ${changed.has(nameOf(row)) ? "new" : ""}`}>
              <td class="rank">{row.rank}</td>
              <td><User id={row.user_id} /></td>
              <td class="number">{IN_USD.has(board) ? <Usd amount={row.score} signed={board === "pnl"} /> : decimal(row.score)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function useMarkets(): (readonly [string, string])[] {
  const [markets, setMarkets] = useState<string[]>([]);
  useEffect(() => {
    get<{ markets: string[] }>("/page-settings").then((settings) => setMarkets(settings.markets), () => {});
  }, []);
  return [["", "All"], ...markets.map((market) => [market, market] as const)];
}
