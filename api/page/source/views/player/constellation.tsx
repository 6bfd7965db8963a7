// The constellation of a player, with the way to its page.

import { useFeed } from "../../data/follow.ts";
import { decimal } from "../../data/format.ts";
import { Table } from "../../data/rows.ts";
import { Figure } from "../../parts/figure.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { follow } from "../../shell/router.ts";

export function Constellation({ id }: { id: string | null }) {
  return (
    <Panel title="Constellation">
      {id === null ? <p class="empty">You are in none. <a href="/community" onClick={follow}>Choose one to join</a>, or found your own.</p> : <Joined key={id} id={id} />}
    </Panel>
  );
}

function Joined({ id }: { id: string }) {
  const table = useFeed("constellations", { constellation: id }, () => new Table((row) => row.constellation_id));
  table.version.value;
  const row = table.byKey.get(id);
  if (!row) return <Empty loaded={table.loaded.value}>It was dissolved.</Empty>;
  return (
    <>
      <p class="total"><a href={`/community?constellation=${encodeURIComponent(id)}`} onClick={follow}>{row.name}</a></p>
      <dl class="figures">
        <Figure name="Level">{decimal(row.level)}</Figure>
        <Figure name="Members">{decimal(row.members)}</Figure>
        <Figure name="Battle rating">{decimal(row.rating)}</Figure>
        <Figure name="Won, lost, tied">{row.won}, {row.lost}, {row.tied}</Figure>
      </dl>
    </>
  );
}
