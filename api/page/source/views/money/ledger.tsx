// Whether the ledger holds, as the last audit of each partition found.

import { usePoll } from "../../data/poll.ts";
import { Old } from "../../parts/fault.tsx";
import { Light } from "../../parts/light.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { Time } from "../../parts/texts.tsx";

const EVERY_MS = 10_000;

interface Rule { rule: string; meaning: string; breaches: number }
interface Audits { holds: boolean | null; rules: Rule[]; partitions: { partition: number; at: string | null }[] }

export function Ledger() {
  const asked = usePoll<Audits>("/v1/ledger/audits", EVERY_MS, true);
  const { data, error } = asked;
  return (
    <Panel title="Ledger">
      <Old of={asked} />
      {!data && error === null && <Empty loaded={false}>{null}</Empty>}
      <p class="total" role="status">{data && <Holds audits={data} />}</p>
      {data && <Found audits={data} />}
    </Panel>
  );
}

function Holds({ audits: { holds, partitions } }: { audits: Audits }) {
  if (holds) return <Light state="ok">The ledger holds</Light>;
  if (holds === false) return <Light state="bad">The ledger does not hold: run <code>astratrade audit ledger</code>, which names the accounts</Light>;
  return <Light state="unknown">{partitions.filter(({ at }) => at === null).length} of {partitions.length} partitions were not audited yet</Light>;
}

function Found({ audits: { rules, partitions } }: { audits: Audits }) {
  const times = partitions.flatMap(({ at }) => at ?? []).sort();
  return (
    <>
      {times[0] && <p class="soft">Each partition was audited <Time at={times[0]} /> or later, in event time.</p>}
      <ul class="lines">
        {rules.map((rule) => (
          <li key={rule.rule}>
            <span>{rule.meaning}</span>
            <Light state={rule.breaches ? "bad" : times.length ? "ok" : "unknown"}>{rule.breaches ? `${rule.breaches} times not` : times.length ? "yes" : "not checked"}</Light>
          </li>
        ))}
      </ul>
    </>
  );
}
