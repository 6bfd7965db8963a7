// What the fee contracts have settled, swept and paid, as of the newest block and of the newest final one.

import { useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { Table } from "../../data/rows.ts";
import { Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";

const TOKEN_DECIMALS = 6;

/** An amount of the settlement token's smallest unit as USD. */
function tokens(units: string): string {
  const digits = units.padStart(TOKEN_DECIMALS + 1, "0");
  return decimal(`${digits.slice(0, -TOKEN_DECIMALS)}.${digits.slice(-TOKEN_DECIMALS)}`, 2);
}

const short = (name: string): string => (/^0x[0-9a-f]{20,}$/i.test(name) ? `${name.slice(0, 8)}…${name.slice(-6)}` : name);

const COLUMNS: readonly Column<Row>[] = [
  { title: "What", show: (row) => row.total },
  { title: "Of", show: (row) => <span title={row.name}>{short(row.name)}</span> },
  { title: "Now, USD", show: (row) => <span title={`${row.accepted} units`}>{tokens(row.accepted)}</span>, isNumber: true },
  { title: "Final, USD", show: (row) => <span title={`${row.final} units`}>{tokens(row.final)}</span>, isNumber: true },
];

export function ChainFees() {
  const table = useFeed("chain-fees", {}, () => new Table((row) => `${row.contract}|${row.total}|${row.name}`));
  table.version.value;
  return (
    <Panel title="On the chain">
      <RowsTable
        label="Fees on the chain" rows={[...table.byKey.values()]} keyOf={(row) => `${row.contract}|${row.total}|${row.name}`}
        columns={COLUMNS} loaded={table.loaded.value} empty="Nothing is settled on a chain, or no indexer runs here."
      />
    </Panel>
  );
}
