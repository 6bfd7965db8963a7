// One constellation: its figures, its members and their board, its battles, and what the reader may do in it.

import { decimal } from "../../data/format.ts";
import { useMembership } from "../../data/membership.ts";
import { user } from "../../data/session.ts";
import type { Table } from "../../data/rows.ts";
import { Figure } from "../../parts/figure.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { follow } from "../../shell/router.ts";
import { BoardChoices, chosenBoard, useMarkets } from "../boards/chosen.tsx";
import { LiveRows } from "../boards/live_rows.tsx";
import { Battles } from "./battles.tsx";
import { MemberActions } from "./member_actions.tsx";
import { Members } from "./members.tsx";

export function ConstellationPage({ id, all }: { id: string; all: Table }) {
  all.version.value;
  const row = all.byKey.get(id);
  const markets = useMarkets();
  if (!row) return <Empty loaded={all.loaded.value}>There is no such constellation, or it was dissolved. <a href="/community" onClick={follow}>See all constellations</a>.</Empty>;
  return (
    <>
      <p class="path"><a href="/community" onClick={follow}>Community</a></p>
      <h1>{row.name}</h1>
      <dl class="figures">
        <Figure name="Rating">{decimal(row.rating)}</Figure>
        <Figure name="Level">{row.level}</Figure>
        <Figure name="Members">{decimal(row.members)} of {decimal(row.members_max)}</Figure>
        <Figure name="Battles won, lost, tied">{row.won}, {row.lost}, {row.tied}</Figure>
        <Figure name="Shards given">{decimal(row.contributed)}</Figure>
      </dl>
      <div class="pair">
        <Panel title="Board of the members" kind="tall">
          <BoardChoices markets={markets} />
          <LiveRows board={chosenBoard()} shown={user.value ?? ""} constellation={id} />
        </Panel>
        <div class="stack">
          {user.value ? <ForUsers key={user.value} id={id} all={all} /> : <Members id={id} membership={null} />}
          <Battles all={all} of={id} />
        </div>
      </div>
    </>
  );
}

function ForUsers({ id, all }: { id: string; all: Table }) {
  const membership = useMembership();
  return (
    <>
      <MemberActions id={id} all={all} membership={membership} />
      <Members id={id} membership={membership} />
    </>
  );
}
