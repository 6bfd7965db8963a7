// The consumer group of each domain: its members, how far their tables are restored, and the lag of each partition.

import { decimal } from "../../data/format.ts";
import { usePoll } from "../../data/poll.ts";
import { Old } from "../../parts/fault.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { type Domain, EVERY_MS, type Member, PIPELINE, type PipelineState } from "./answers.ts";
import { PartitionLag } from "./partition_lag.tsx";

export function Domains() {
  const asked = usePoll<PipelineState>(PIPELINE, EVERY_MS, true);
  const { data, error } = asked;
  return (
    <Panel title="Groups" kind="tall">
      <Old of={asked} />
      {!data && error === null && <Empty loaded={false}>{null}</Empty>}
      <p class="warn" role="status">{data?.rulebooks_differ}</p>
      {data?.domains.map((domain) => <Group key={domain.domain} domain={domain} />)}
    </Panel>
  );
}

function Group({ domain }: { domain: Domain }) {
  const { lag } = domain;
  const waits = lag.seconds >= 1 ? `, for ${lag.at_least ? "at least " : ""}${decimal(lag.seconds.toFixed(0))} s` : "";
  return (
    <details open={!domain.ready}>
      <summary>
        <span class={domain.ready ? "up" : "down"} aria-hidden="true">●</span> <strong>{domain.domain}</strong>{" "}
        <span class="soft">{domain.ready ? domain.state : domain.why_not}, generation {domain.generation}</span>{" "}
        <span class={`number ${lag.records ? "warn" : ""}`}>{decimal(lag.records)} waiting{waits}</span>
      </summary>
      {domain.members.length === 0 && <Empty loaded>No worker of this domain is alive. Start one: <code>astratrade worker --domain {domain.domain}</code></Empty>}
      <ul class="lines">{domain.members.map((member) => <Line key={member.name} member={member} />)}</ul>
      <PartitionLag domain={domain} />
    </details>
  );
}

function Line({ member }: { member: Member }) {
  const partitions = new Set(Object.values(member.partitions).flat());
  return (
    <li>
      <span>
        {member.name} <span class="soft">has partitions {[...partitions].sort((a, b) => a - b).join(", ") || "none yet"}</span>
        {member.damaged.map((damage) => <span key={damage} class="down"> {damage}</span>)}
      </span>
      <Restored member={member} />
    </li>
  );
}

function Restored({ member: { name, recovery: { done, records, total }, lease_ms } }: { member: Member }) {
  if (done) return <span class="soft">lease {decimal(lease_ms)} ms</span>;
  if (!total) return <span class="warn">restoring its tables</span>;
  const read = Math.min(records ?? 0, total);
  return (
    <span class="warn">
      <progress max={total} value={read} aria-label={`${name} restores its tables`} /> {decimal(read)} of {decimal(total)}
    </span>
  );
}
