// What a user may do in a constellation: join it; as a member give shards and leave; and as a leader of another challenge it.

import type { Row } from "../../data/feeds.ts";
import { isLeader, waitText } from "../../data/membership.ts";
import { command } from "../../data/own.ts";
import { pathOf } from "../../data/paths.ts";
import type { Table } from "../../data/rows.ts";
import { Form } from "../../parts/form.tsx";
import { Panel } from "../../parts/panel.tsx";
import { Dissolve } from "./manage.tsx";
import { Name } from "./name.tsx";

const KINDS = [["trading_duel", "Trading duel"], ["stellar_supremacy", "Stellar supremacy"], ["cosmic_conquest", "Cosmic conquest"]] as const;

interface ActionsProps { id: string; all: Table; membership: Row | null }

export function MemberActions(props: ActionsProps) {
  const waits = waitText(props.membership);
  return (
    <>
      <p role="status">{waits}</p>
      {!waits && <Decided {...props} />}
    </>
  );
}

function Decided({ id, all, membership }: ActionsProps) {
  if (!membership) return <Form send={async (_, key) => { await command("POST", pathOf`/v1/constellations/${id}/join`, undefined, key); }} button="Join" />;
  if (membership.constellation_id === id) return <OwnConstellation role={membership.role} />;
  if (!isLeader(membership)) return <p class="soft">You belong to <Name id={membership.constellation_id} all={all} />. Leave it to join this one.</p>;
  return <Challenge id={id} />;
}

function OwnConstellation({ role }: { role: string }) {
  const give = async ({ amount = "" }: Record<string, string>, key: string) => {
    await command("POST", "/v1/constellation/contributions", { amount: Number(amount) }, key);
    return "Sent. The ledger decides whether you have them.";
  };
  const leave = async (_: object, key: string) => { await command("POST", "/v1/constellation/leave", undefined, key); };
  return (
    <Panel title={`Your constellation, as ${role}`}>
      <Form send={give} button="Give shards">
        <label>Shards<input name="amount" type="number" min={1} step={1} required /></label>
      </Form>
      {role === "owner" ? <Dissolve /> : <Form send={leave} button="Leave" kind="quiet" />}
    </Panel>
  );
}

function Challenge({ id }: { id: string }) {
  const challenge = async ({ kind, hours }: Record<string, string>, key: string) => {
    await command("POST", "/v1/battles", { opponent: id, kind, hours: Number(hours) }, key);
    return "Challenge sent.";
  };
  return (
    <Panel title="Challenge it to a battle">
      <Form send={challenge} button="Challenge">
        <label>Kind<select name="kind">{KINDS.map(([value, text]) => <option key={value} value={value}>{text}</option>)}</select></label>
        <label>Hours<input name="hours" type="number" min={1} max={168} defaultValue={24} required /></label>
      </Form>
    </Panel>
  );
}
