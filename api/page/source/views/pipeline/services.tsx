// The processes that are alive, and the commits of the workers among them.

import { decimal } from "../../data/format.ts";
import { usePoll } from "../../data/poll.ts";
import { Old } from "../../parts/fault.tsx";
import { Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { EVERY_MS, type Service } from "./answers.ts";
import { rateText } from "./graph.tsx";

const COLUMNS: readonly Column<Service>[] = [
  { title: "Process", show: (row) => row.name },
  { title: "Kind", show: (row) => row.kind },
  { title: "Ready", show: (row) => (row.ready ? <span class="up">yes</span> : <span class="down">{row.why_not ?? "no"}</span>) },
  { title: "Version", show: (row) => row.version },
  { title: "Lease, ms", show: (row) => decimal(row.lease_ms), isNumber: true },
];

interface Committing { process: string; domain: string; per_second: number; mean_ms: number | null }
const COMMITS: readonly Column<Committing>[] = [
  { title: "Domain", show: (row) => row.domain },
  { title: "Process", show: (row) => row.process },
  { title: "Commits", show: (row) => rateText(row.per_second), isNumber: true },
  { title: "Mean time", show: (row) => (row.mean_ms === null ? "–" : `${decimal(row.mean_ms.toFixed(1))} ms`), isNumber: true },
];

export function Services() {
  const asked = usePoll<{ services: Service[] }>("/v1/services", EVERY_MS, true);
  const { data, error } = asked;
  const services = data?.services ?? [];
  return (
    <div class="stack">
      <Old of={asked} />
      {(data || error === null) && <Panels services={services} loaded={data !== null} />}
    </div>
  );
}

function Panels({ services, loaded }: { services: readonly Service[]; loaded: boolean }) {
  const commits = services.flatMap(({ name, commits }) => Object.entries(commits).map(([domain, each]) => ({ process: name, domain, ...each })));
  return (
    <>
      <Panel title="Commits">
        <RowsTable label="Commits" rows={commits} keyOf={(row) => `${row.process} ${row.domain}`} columns={COMMITS} loaded={loaded}
          empty="No worker has told its commits yet. A worker does with its second heartbeat." />
      </Panel>
      <Panel title="Processes">
        <RowsTable label="Processes" rows={services} keyOf={(row) => row.name} columns={COLUMNS} loaded={loaded} empty="No process is alive." />
      </Panel>
    </>
  );
}
