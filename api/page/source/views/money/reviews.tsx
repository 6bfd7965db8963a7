// The withdrawals that wait for a moderator, who approves or rejects each, and says why.

import { useRef, useState } from "preact/hooks";

import { useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { command } from "../../data/own.ts";
import { pathOf } from "../../data/paths.ts";
import { Table } from "../../data/rows.ts";
import { Form } from "../../parts/form.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { ReasonField } from "../../parts/reason.tsx";
import { Time, User } from "../../parts/texts.tsx";

const keyOf = (row: Row): string => `${row.user_id}|${row.withdrawal_id}`;

export function Reviews() {
  const table = useFeed("withdrawal-reviews", {}, () => new Table(keyOf));
  table.version.value;
  const [said, setSaid] = useState("");
  const status = useRef<HTMLParagraphElement>(null);
  const decided = (text: string) => { // the form with the focus is about to go
    setSaid(text);
    status.current?.focus();
  };
  const rows = [...table.byKey.values()].sort((a, b) => a.requested_at.localeCompare(b.requested_at));
  return (
    <Panel title="Withdrawals to review">
      <p class="said" role="status" tabIndex={-1} ref={status}>{said}</p>
      {rows.length === 0 && <Empty loaded={table.loaded.value}>None waits. Large withdrawals come here before they are paid.</Empty>}
      <ul class="cards">{rows.map((row) => <Review key={keyOf(row)} row={row} said={decided} />)}</ul>
    </Panel>
  );
}

/** `said` is told what was decided: the withdrawal itself leaves the list. */
function Review({ row, said }: { row: Row; said: (text: string) => void }) {
  const what = `${decimal(row.amount)} ${row.asset} of ${row.user_id}`;
  const decide = async ({ decision, reason = "" }: Record<string, string>, key: string) => {
    const path = pathOf`/v1/users/${row.user_id}/withdrawals/${row.withdrawal_id}/review`;
    await command("POST", path, { approve: decision === "approve" }, key, { "X-Audit-Reason": reason.trim() });
    said(decision === "approve" ? `Approved: ${what}.` : `Rejected: ${what}.`);
  };
  return (
    <li>
      <p><strong>{decimal(row.amount)} {row.asset}</strong> of <User id={row.user_id} byId /> <span class="soft">to {row.destination}, tier {row.tier}, asked <Time at={row.requested_at} /></span></p>
      <Form send={decide} button="Decide" label={`Decide about ${what}`}>
        <label>
          Decision
          <select name="decision" required>
            <option value="">Choose…</option>
            <option value="approve">Approve</option>
            <option value="reject">Reject</option>
          </select>
        </label>
        <ReasonField placeholder="the papers were checked" />
      </Form>
    </li>
  );
}
