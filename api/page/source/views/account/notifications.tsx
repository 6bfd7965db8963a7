// The notifications of the user, the newest first. They can be marked as read.

import { command } from "../../data/own.ts";
import { useFeed } from "../../data/follow.ts";
import { useQuery } from "../../data/query.ts";
import { Table } from "../../data/rows.ts";
import { sentence } from "../../data/texts.ts";
import { Form } from "../../parts/form.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { Time } from "../../parts/texts.tsx";
import { Muted } from "./muted.tsx";

const PATH = "/v1/notifications/read";

export function Notifications() {
  const table = useFeed("notifications", {}, () => new Table((row) => row.notification_id));
  table.version.value;
  const kept = useQuery<{ notifications_max: number }>("/page-settings").data?.notifications_max;
  const rows = [...table.byKey.values()].sort((a, b) => b.number - a.number).slice(0, kept); // newer ones replace older ones
  const unread = rows.filter((row) => !row.read);
  const read = (ids: string[]) => async (_: object, key: string) => { await command("POST", PATH, { notification_ids: ids }, key); };
  return (
    <Panel title="Notifications" tools={unread.length > 0 && <Form send={read(unread.map((row) => row.notification_id))} button="Mark all as read" kind="link" />}>
      {rows.length === 0 && <Empty loaded={table.loaded.value}>None yet. Levels, rewards, orders and battles are told here.</Empty>}
      <ul class="scroll lines" tabIndex={0} aria-label="Notifications">
        {rows.map((row) => (
          <li key={row.notification_id} class={row.read ? "soft" : ""}>
            <span>{!row.read && <span class="hidden">Unread: </span>}{sentence(row.text, row.arguments)} <span class="soft"><Time at={row.at} /></span></span>
            {!row.read && <Form send={read([row.notification_id])} button="Mark as read" label={`Mark as read: ${sentence(row.text, row.arguments)}`} kind="link" />}
          </li>
        ))}
      </ul>
      <Muted />
    </Panel>
  );
}
