// Follow a user, or no longer; and endorse.

import { useFeed } from "../../data/follow.ts";
import { command } from "../../data/own.ts";
import { pathOf } from "../../data/paths.ts";
import { Table } from "../../data/rows.ts";
import { Form } from "../../parts/form.tsx";

export function Befriend({ id }: { id: string }) {
  const table = useFeed("follows", {}, () => new Table(() => "own"));
  table.version.value;
  const followed = table.byKey.get("own")?.followed[id];
  const path = pathOf`/v1/users/${id}`;
  const interact = (kind: string, said?: string) => async (_: object, key: string) => {
    await command("POST", `${path}/interactions`, { kind }, key);
    return said;
  };
  const unfollow = async (_: object, key: string) => { await command("DELETE", `${path}/follow`, undefined, key); };
  return (
    <div class="buttons keeps-focus">
      {followed ? <Form key="unfollow" send={unfollow} button="Unfollow" kind="quiet" /> : <Form key="follow" send={interact("follow")} button="Follow" />}
      <Form send={interact("endorse", "Sent.")} button="Endorse" kind="quiet" />
      <p role="status" class="soft" tabIndex={-1}>{!table.loaded.value ? "" : !followed ? "You do not follow this user." : followed.waits_for ? "The follow waits for its answer." : followed.friend ? "You are friends: you follow each other." : "You follow this user."}</p>
    </div>
  );
}
