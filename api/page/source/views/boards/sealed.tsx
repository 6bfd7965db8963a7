// The latest sealed periods of a board, with their digests. A period that is chosen is shown.

import { decimal } from "../../data/format.ts";
import { pathOf } from "../../data/paths.ts";
import { useQuery } from "../../data/query.ts";
import { Panel } from "../../parts/panel.tsx";
import { textOf } from "../../parts/form.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { choose } from "../../shell/router.ts";
import type { ChosenBoard } from "./chosen.tsx";

const PERIODS = "20";
const DAY_MS = 86_400_000;

interface Sealed { period: string; end: string; sealed_at: string; users: number; digest: string }

/** Choose a period in the address: by its kind, and by its last day. */
function show(sealed: Sealed): void {
  const last = new Date(Date.parse(sealed.end) - DAY_MS).toISOString().slice(0, 10);
  choose({ period: sealed.period.split(":")[0]!, day: last });
}

const COLUMNS: readonly Column<Sealed>[] = [
  { title: "Period", show: (row) => <button type="button" class="link" onClick={() => show(row)}>{row.period.split(":")[1]}<span class="hidden">: show this board</span></button> },
  { title: "Users", show: (row) => decimal(row.users), isNumber: true },
  { title: "Digest", show: (row) => <code title={row.digest}>{row.digest.slice(0, 12)}…</code> },
];

export function SealedPeriods({ board }: { board: ChosenBoard }) {
  const [kind] = board.period === "all" ? ["week"] : board.period.split(":");
  const query = { kind: kind!, limit: PERIODS, ...(board.market ? { market: board.market } : {}) };
  const isAsked = board.scope === "everyone";
  const { data, error } = useQuery<{ periods: Sealed[] }>(isAsked ? pathOf`/v1/leaderboards/${board.board}/sealed` : null, query, true);
  if (!isAsked) return null;
  return (
    <Panel title={`Sealed ${kind}s`}>
      {error !== null && <p class="fault" role="alert">{textOf(error)}</p>}
      {error === null && (
        <RowsTable label={`Sealed ${kind}s of this board`} rows={data?.periods ?? []} keyOf={(row) => row.period} columns={COLUMNS} loaded={data !== null} empty={`None of the last ${PERIODS} ${kind}s has this board.`} />
      )}
    </Panel>
  );
}
