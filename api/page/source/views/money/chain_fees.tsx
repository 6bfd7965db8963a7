// What the fee contracts have settled, swept and paid, as of the newest block and of the newest final one.

import { ofUnits } from "../../data/decimals.ts";
import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import type { Table } from "../../data/rows.ts";
import { Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";

const TOKEN_DECIMALS = 6;

/** An amount of the settlement token's smallest unit as USD. */
const tokens = (units: string): string => decimal(ofUnits(units, TOKEN_DECIMALS), 2);

export const keyOf = (row: Row): string => `${row.contract}|${row.total}|${row.name}`;
const short = (name: string): string => (/^0x[0-9a-f]{20,}$/i.test(name) ? `${name.slice(0, 8)}…${name.slice(-6)}` : name);

const COLUMNS: readonly Column<Row>[] = [
  { title: "What", show: (row) => row.total },
  { title: "Of", show: (row) => <span title={row.name}>{short(row.name)}</span> },
  { title: "Now, USD", show: (row) => <span title={`${row.accepted} units`}>{tokens(row.accepted)}</span>, isNumber: true },
  { title: "Final, USD", show: (row) => <span title={`${row.final} units`}>{tokens(row.final)}</span>, isNumber: true },
];

export function ChainFees({ chain }: { chain: Table }) {
  chain.version.value;
  if (chain.byKey.size === 0) return null;
  return (
    <Panel title="On the chain">
      <RowsTable label="Fees on the chain" rows={[...chain.byKey.values()]} keyOf={keyOf} columns={COLUMNS} loaded empty="" />
    </Panel>
  );
}
