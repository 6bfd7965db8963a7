// The pipeline in five figures.

import { decimal } from "../../data/format.ts";
import { usePoll } from "../../data/poll.ts";
import { Figure } from "../../parts/figure.tsx";
import { Time } from "../../parts/texts.tsx";

const EVERY_MS = 2_000;

interface Stats {
  topics: { events: number }[];
  users: number;
  workers: { alive: number };
  lag: number;
  latest: string | null;
}

export function Glance() {
  const { data: stats } = usePoll<Stats>("/v1/stats", EVERY_MS);
  const shown = (value: number | undefined) => (value === undefined ? "–" : decimal(value));
  return (
    <dl class="figures" aria-label="The pipeline at a glance">
      <Figure name="Events">{shown(stats?.topics.reduce((sum, topic) => sum + topic.events, 0))}</Figure>
      <Figure name="Traders">{shown(stats?.users)}</Figure>
      <Figure name="Workers">{shown(stats?.workers.alive)}</Figure>
      <Figure name="Lag">{shown(stats?.lag)}</Figure>
      <Figure name="Events seen up to">{stats?.latest ? <Time at={stats.latest} /> : "–"}</Figure>
    </dl>
  );
}
