// The withdrawals that wait for a moderator, who approves or rejects each.

import { request } from "../../data/api.ts";
import { useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { Table } from "../../data/rows.ts";
import { token } from "../../data/session.ts";
import { Form } from "../../parts/form.tsx";
import { Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { Time, User } from "../../parts/texts.tsx";

const keyOf = (row: Row): string => `${row.user_id}|${row.withdrawal_id}`;

function decide(row: Row, approve: boolean) {
  return async (_: object, key: string) => {
    const path = `/v1/users/${encodeURIComponent(row.user_id)}/withdrawals/${encodeURIComponent(row.withdrawal_id)}/review`;
    await request("POST", path, { approve }, await token(), { "Idempotency-Key": key });
  };
}

const COLUMNS: readonly Column<Row>[] = [
  { title: "Asked", show: (row) => <Time at={row.requested_at} /> },
  { title: "User", show: (row) => <User id={row.user_id} /> },
  { title: "Amount", show: (row) => <>{decimal(row.amount)} {row.asset}</>, isNumber: true },
  { title: "To", show: (row) => <span class="user" title={row.destination}>{row.destination}</span> },
  { title: "Tier", show: (row) => row.tier },
  {
    title: "Decide",
    show: (row) => (
      <span class="buttons">
        <Form send={decide(row, true)} button="Approve">{null}</Form>
        <Form send={decide(row, false)} button="Reject">{null}</Form>
      </span>
    ),
  },
];

export function Reviews() {
  const table = useFeed("withdrawal-reviews", {}, () => new Table(keyOf));
  table.version.value;
  const rows = [...table.byKey.values()].sort((a, b) => a.requested_at.localeCompare(b.requested_at));
  return (
    <Panel title="Withdrawals to review">
      <RowsTable label="Withdrawals to review" rows={rows} keyOf={keyOf} columns={COLUMNS} loaded={table.loaded.value} empty="None waits." />
    </Panel>
  );
}
