// How the pipeline works: its flow for everyone as topics with rates, and for the staff as a graph; groups and processes.

import type { ComponentType } from "preact";

import { useAccount, isStaff } from "../data/account.ts";
import { useQuery } from "../data/query.ts";
import { user } from "../data/session.ts";
import { Empty } from "../parts/panel.tsx";
import { SubViews } from "../parts/sub_views.tsx";
import { choice, follow, signInPath } from "../shell/router.ts";
import { PIPELINE, type Topology } from "./pipeline/answers.ts";
import { Domains } from "./pipeline/domains.tsx";
import { DeadLetters } from "./pipeline/letters.tsx";
import { Flow } from "./pipeline/flow.tsx";
import { Rows } from "./pipeline/rows.tsx";
import { Services } from "./pipeline/services.tsx";
import { Topics } from "./pipeline/topics.tsx";
import { Trace } from "./pipeline/trace.tsx";

const PARTS: readonly { name: string; title: string; Part: ComponentType }[] = [
  { name: "flow", title: "Flow", Part: Flow },
  { name: "groups", title: "Groups", Part: Groups },
  { name: "letters", title: "Dead letters", Part: DeadLetters },
  { name: "trace", title: "Trace", Part: Trace },
  { name: "rows", title: "Rows", Part: Rows },
];
const PART = "part";

export function Pipeline() {
  return (
    <>
      <h1>Pipeline</h1>
      {user.value ? <ForAccount /> : <ForEveryone />}
    </>
  );
}

function ForAccount() {
  const account = useAccount();
  if (!account) return <Empty loaded={false}>{null}</Empty>;
  if (!isStaff(account)) return <ForEveryone />;
  const chosen = choice(PART, "flow", PARTS.map(({ name }) => name));
  const { Part } = PARTS.find(({ name }) => name === chosen) ?? PARTS[0]!;
  return (
    <>
      <SubViews name={PART} label="Parts of the pipeline" chosen={chosen} parts={PARTS}><Grafana /></SubViews>
      <div class="stack"><Part /></div>
    </>
  );
}

/** The boards of the installation's Grafana, where it has one. */
function Grafana() {
  const url = useQuery<Topology>(`${PIPELINE}/topology`, {}, true).data?.grafana_url;
  return url ? <a href={`${url}/d/astratrade-operators`} target="_blank" rel="noopener">Grafana<span aria-hidden="true"> ↗</span></a> : null;
}

function Groups() {
  return (
    <div class="pair">
      <Domains />
      <Services />
    </div>
  );
}

function ForEveryone() {
  return (
    <div class="stack">
      <p>
        Topics are for everyone. The graph, groups, dead letters and the events behind a row are for moderators and admins.{" "}
        {user.value ? "Your account is neither." : <><a href={signInPath()} onClick={follow}>Sign in</a> as one to see them.</>}
      </p>
      <Topics />
    </div>
  );
}
