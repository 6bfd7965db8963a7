// The processes that are alive.

import { decimal } from "../../data/format.ts";
import { usePoll } from "../../data/poll.ts";
import { Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";

const EVERY_MS = 3_000;

interface Service { name: string; kind: string; version: string; domains: string[]; ready: boolean; why_not: string | null; lease_ms: number }

const COLUMNS: readonly Column<Service>[] = [
  { title: "Process", show: (row) => row.name },
  { title: "Kind", show: (row) => row.kind },
  { title: "Ready", show: (row) => (row.ready ? <span class="up">yes</span> : <span class="down">{row.why_not ?? "no"}</span>) },
  { title: "Version", show: (row) => row.version },
  { title: "Lease, ms", show: (row) => decimal(row.lease_ms), isNumber: true },
];

export function Services() {
  const { data } = usePoll<{ services: Service[] }>("/v1/services", EVERY_MS, true);
  return (
    <Panel title="Processes">
      <RowsTable label="Processes" rows={data?.services ?? []} keyOf={(row) => row.name} columns={COLUMNS} loaded={data !== null} empty="No process is alive." />
    </Panel>
  );
}
