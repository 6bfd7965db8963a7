// How many events wait in each partition of the topics that a domain consumes. Topics in which none waits are left out.

import { decimal } from "../../data/format.ts";
import type { Domain } from "./answers.ts";
import { shortName } from "./flow_edges.ts";

export function PartitionLag({ domain }: { domain: Domain }) {
  const behind = Object.entries(domain.lag.partitions).filter(([, lags]) => Object.values(lags).some((lag) => lag > 0));
  const partitions = Object.keys(Object.values(domain.lag.partitions)[0] ?? {});
  if (behind.length === 0) return <p class="soft">Nothing waits in {decimal(partitions.length)} partitions of {decimal(Object.keys(domain.lag.partitions).length)} topics.</p>;
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={`Waiting events of ${domain.domain}`}>
      <table>
        <caption class="hidden">Waiting events of {domain.domain} by topic and partition</caption>
        <thead>
          <tr><th scope="col">Topic</th>{partitions.map((partition) => <th key={partition} scope="col" class="number">{partition}</th>)}</tr>
        </thead>
        <tbody>
          {behind.map(([topic, lags]) => (
            <tr key={topic}>
              <th scope="row" title={topic}>{shortName(topic)}</th>
              {partitions.map((partition) => <td key={partition} class={`number ${lags[partition] ? "warn" : "soft"}`}>{decimal(lags[partition] ?? 0)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
