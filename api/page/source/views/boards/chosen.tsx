// The board that the address of the page chooses, and the form that changes it.

import { useQuery } from "../../data/query.ts";
import { type Period, periodOf } from "../../data/periods.ts";
import { Choose } from "../../parts/choose.tsx";
import { choice, choose } from "../../shell/router.ts";

const BOARDS = [
  ["xp", "XP"], ["volume", "Volume"], ["pnl", "Profit and loss"], ["trades", "Trades"], ["streak_days", "Streak days"],
] as const;
const PERIODS = [["all", "All time"], ["day", "Day"], ["week", "Week"], ["month", "Month"], ["season", "Season"]] as const;
const SCOPES = [["everyone", "Everyone"], ["friends", "Whom you follow"], ["constellations", "Constellations"]] as const;
const IN_USD: ReadonlySet<string> = new Set(["volume", "pnl"]);
const OF_CONSTELLATIONS = [["xp", "XP"]] as const;

export type Scope = (typeof SCOPES)[number][0];

export interface ChosenBoard {
  board: string;
  title: string;
  period: string;
  market: string;
  scope: Scope;
  isUsd: boolean;
  isSigned: boolean;
  /** The parameters of a query of this board. */
  query: Record<string, string>;
}

const valuesOf = <T extends string>(options: readonly (readonly [T, string])[]): T[] => options.map(([value]) => value);

export function chosenBoard(): ChosenBoard {
  const scope = choice<Scope>("scope", "everyone", valuesOf(SCOPES));
  const board = scope === "constellations" ? "xp" : choice("board", "xp", valuesOf(BOARDS));
  const period = periodOf(choice<Period>("period", "all", valuesOf(PERIODS)), chosenDay());
  const isUsd = IN_USD.has(board);
  const market = isUsd ? choice("market", "") : "";
  const title = BOARDS.find(([name]) => name === board)?.[1] ?? board;
  return {
    board, title, period, market, scope, isUsd, isSigned: board === "pnl",
    query: { period, ...(market ? { market } : {}) },
  };
}

const DAY = /^\d{4}-\d\d-\d\d$/;

function chosenDay(): string {
  const day = choice("day", "");
  return DAY.test(day) && !Number.isNaN(Date.parse(day)) ? day : new Date().toISOString().slice(0, 10);
}

export function BoardChoices(props: { markets: readonly string[]; scopes?: boolean }) {
  const { scope, isUsd } = chosenBoard();
  const markets = [["", "All"], ...props.markets.map((market) => [market, market] as const)] as const;
  return (
    <form onSubmit={(event) => event.preventDefault()}>
      <Choose name="board" label="Board" options={scope === "constellations" ? OF_CONSTELLATIONS : BOARDS} />
      <Choose name="period" label="Period" options={PERIODS} />
      {choice("period", "all") !== "all" && (
        <label>
          of
          <input type="date" value={chosenDay()} onChange={(event) => choose({ day: event.currentTarget.value })} />
        </label>
      )}
      {props.scopes && <Choose name="scope" label="Scope" options={SCOPES} />}
      {isUsd && <Choose name="market" label="Market" options={markets} />}
    </form>
  );
}

export function useMarkets(): readonly string[] {
  return useQuery<{ markets: string[] }>("/page-settings").data?.markets ?? [];
}
