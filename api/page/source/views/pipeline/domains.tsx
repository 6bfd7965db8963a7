// The consumer group of each domain: its members, their partitions, recovery and lag.

import { decimal } from "../../data/format.ts";
import { usePoll } from "../../data/poll.ts";
import { textOf } from "../../parts/form.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";

const EVERY_MS = 3_000;

interface Member { name: string; lease_ms: number; partitions: Record<string, number[]>; recovery: unknown; damaged: unknown[] }
interface Domain {
  domain: string;
  group: string;
  state: string;
  generation: number;
  ready: boolean;
  why_not: string | null;
  members: Member[];
  lag: { records: number; seconds: number; at_least: boolean };
}

export function Domains() {
  const { data, error } = usePoll<{ ready: boolean; domains: Domain[] }>("/v1/pipeline", EVERY_MS, true);
  return (
    <Panel title="Groups">
      {!data && (error ? <p class="fault" role="alert">{textOf(error)}</p> : <Empty loaded={false}>{null}</Empty>)}
      {data?.domains.map((domain) => (
        <details key={domain.domain} open={!domain.ready}>
          <summary>
            <span class={domain.ready ? "up" : "down"} aria-hidden="true">●</span> <strong>{domain.domain}</strong>{" "}
            <span class="soft">{domain.ready ? domain.state : domain.why_not}, generation {domain.generation}</span>
            <span class="number">{domain.lag.at_least ? "≥ " : ""}{decimal(domain.lag.records)} behind{domain.lag.seconds >= 1 ? `, ${decimal(domain.lag.seconds.toFixed(0))} s` : ""}</span>
          </summary>
          <ul class="lines">
            {domain.members.map((member) => (
              <li key={member.name}>
                <span>{member.name}</span>
                <span>{decimal(Object.values(member.partitions).reduce((sum, each) => sum + each.length, 0))} partitions</span>
                <span class="soft">{member.damaged.length ? `${member.damaged.length} damaged` : member.recovery ? "recovering" : `lease ${decimal(member.lease_ms)} ms`}</span>
              </li>
            ))}
          </ul>
        </details>
      ))}
    </Panel>
  );
}
