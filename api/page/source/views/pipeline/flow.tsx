// The flow of events: the graph with rates and lag on its edges, and a table that says the same.

import { useEffect, useState } from "preact/hooks";

import { decimal } from "../../data/format.ts";
import { usePoll } from "../../data/poll.ts";
import { useQuery } from "../../data/query.ts";
import { Old } from "../../parts/fault.tsx";
import { textOf } from "../../parts/form.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { choice, choose } from "../../shell/router.ts";
import { EVERY_MS, PIPELINE, type PipelineState, type Topology } from "./answers.ts";
import { type Flowing, flowing, shortName } from "./flow_edges.ts";
import { FOCUS, Graph, rateText } from "./graph.tsx";
import { type Drawing, laidOut } from "./layout.ts";

const COLUMNS: readonly Column<Flowing>[] = [
  { title: "From", show: (row) => <span title={row.source}>{shortName(row.source)}</span> },
  { title: "To", show: (row) => <span title={row.target}>{shortName(row.target)}</span> },
  { title: "A second", show: (row) => (row.rate === null ? "–" : rateText(row.rate)), isNumber: true },
  { title: "Waiting", show: (row) => (row.lag === null ? "–" : <span class={row.lag ? "warn" : ""}>{decimal(row.lag)}</span>), isNumber: true },
];

export function Flow() {
  const { data: topology, error } = useQuery<Topology>(`${PIPELINE}/topology`, {}, true);
  const asked = usePoll<PipelineState>(PIPELINE, EVERY_MS, true);
  const [drawing, setDrawing] = useState<Drawing | null>(null);
  const [fault, setFault] = useState<unknown>(null);
  useEffect(() => { if (topology) laidOut(topology).then(setDrawing, setFault); }, [topology]);
  const focus = choice(FOCUS, "");
  const { data: state } = asked;
  const edges = topology ? flowing(topology, state) : [];
  const shown = edges.filter((edge) => !focus || edge.source === focus || edge.target === focus);
  const problem = error ?? fault;
  return (
    <div class="flow">
      <Panel title="Flow" kind="tall" tools={focus && <button class="link" type="button" onClick={() => choose({ [FOCUS]: "" })}>Show all, not only {shortName(focus)}</button>}>
        <Old of={asked} />
        {problem !== null && problem !== undefined && <p class="fault" role="alert">{textOf(problem)}</p>}
        {drawing ? <Graph drawing={drawing} edges={edges} /> : !problem && <Empty loaded={false}>{null}</Empty>}
        <p class="soft">Boxes are domains, and clients or services that append. Round ones are topics. Choose one to see what it takes and gives.</p>
      </Panel>
      <Panel title={focus ? `Flow of ${shortName(focus)}` : "Flow as a table"} kind="tall">
        <RowsTable label="Flow as a table" rows={shown} keyOf={(row) => `${row.source} ${row.target}`} columns={COLUMNS} loaded={topology !== null} empty="Nothing flows there." />
      </Panel>
    </div>
  );
}
