// Whether the processes that bring fees to the chain run, and what they wait for.

import { usePoll } from "../../data/poll.ts";
import { Old } from "../../parts/fault.tsx";
import { Light } from "../../parts/light.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";

const EVERY_MS = 10_000;
const KINDS = [
  ["indexer", "The indexer reads what the contracts did"],
  ["settlement", "Settlement compares ledger, batches and contracts to the unit, and sends batches"],
] as const;

interface Service { name: string; kind: string; ready: boolean; why_not: string | null }

export function ChainProcesses() {
  const asked = usePoll<{ services: Service[] }>("/v1/services", EVERY_MS, true);
  const { data, error } = asked;
  return (
    <Panel title="To the chain">
      <Old of={asked} />
      {!data && error === null && <Empty loaded={false}>{null}</Empty>}
      <ul class="lines">
        {data && KINDS.map(([kind, text]) => <li key={kind}><span>{text}</span><State of={data.services.find((one) => one.kind === kind)} /></li>)}
      </ul>
    </Panel>
  );
}

function State({ of: service }: { of: Service | undefined }) {
  if (!service) return <Light state="unknown">does not run</Light>;
  return service.ready ? <Light state="ok">ready</Light> : <Light state="bad">{service.why_not ?? "not ready"}</Light>;
}
