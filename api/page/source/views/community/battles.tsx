// Battles: those that run, with score and clock, then those that are proposed, then those that have ended.

import { useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { isLeader, useMembership } from "../../data/membership.ts";
import { command } from "../../data/own.ts";
import { pathOf } from "../../data/paths.ts";
import { Table } from "../../data/rows.ts";
import { user } from "../../data/session.ts";
import { words } from "../../data/texts.ts";
import { Form } from "../../parts/form.tsx";
import { Countdown } from "../../parts/countdown.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { Time } from "../../parts/texts.tsx";
import { Name } from "./name.tsx";

const SHOWN = 20;
const ORDER = ["running", "starting", "challenged", "proposed", "completed"];

/** The battles of all, or of one constellation. */
export function Battles({ all, of }: { all: Table; of?: string }) {
  const table = useFeed("battles", {}, () => new Table((row) => row.battle_id));
  table.version.value;
  const place = (row: Row) => { const found = ORDER.indexOf(row.state); return found < 0 ? ORDER.length : found; };
  const isShown = (row: Row) => !of || row.challenger.constellation_id === of || row.defender.constellation_id === of;
  const rows = [...table.byKey.values()].filter(isShown).sort((a, b) => place(a) - place(b) || b.proposed_at.localeCompare(a.proposed_at)).slice(0, SHOWN);
  return (
    <Panel title="Battles">
      {rows.length === 0 && <Empty loaded={table.loaded.value}>No battle yet. The owner of a constellation can challenge another one, on its page.</Empty>}
      <ul class="cards">{rows.map((row) => <Battle key={row.battle_id} battle={row} all={all} />)}</ul>
    </Panel>
  );
}

function Battle({ battle, all }: { battle: Row; all: Table }) {
  const { challenger, defender, winner } = battle;
  return (
    <li>
      <p class="soft">{words(battle.kind)} · <State of={battle} /></p>
      <dl class="sides">
        {[challenger, defender].map((side) => (
          <div key={side.constellation_id}>
            <dt><Name id={side.constellation_id} all={all} />{winner === side.constellation_id && <span class="up"> won</span>}</dt>
            <dd>{decimal(side.score, 2)} <span class="soft">{decimal(side.trades)} trades</span></dd>
          </div>
        ))}
      </dl>
      {user.value && <Answer key={user.value} battle={battle} />}
    </li>
  );
}

function State({ of: battle }: { of: Row }) {
  if (battle.state === "running") return <Countdown from={battle.starts_at} until={battle.ends_at} />;
  if (battle.state === "starting") return <>starts soon</>;
  if (battle.state === "challenged") return <>challenged, <Countdown until={battle.expires_at} /> to answer</>;
  if (battle.state === "completed") return <>ended <Time at={battle.completed_at} /></>;
  return <>{battle.state}</>;
}

/** What the leaders of its sides may do with a challenge. */
function Answer({ battle }: { battle: Row }) {
  const membership = useMembership();
  if (battle.state !== "challenged" || !isLeader(membership)) return null;
  const answer = (what: string) => async (_: object, key: string) => { await command("POST", pathOf`/v1/battles/${battle.battle_id}/${what}`, undefined, key); };
  const own = membership?.constellation_id;
  if (own === battle.challenger.constellation_id) return <Form send={answer("withdraw")} button="Withdraw the challenge" kind="quiet" />;
  if (own !== battle.defender.constellation_id) return null;
  return <div class="buttons"><Form send={answer("accept")} button="Accept" /><Form send={answer("decline")} button="Decline" kind="quiet" /></div>;
}
