// The public profile of the user: the name that is shown, and a few words.

import { useFeed } from "../../data/follow.ts";
import { command } from "../../data/own.ts";
import { Table } from "../../data/rows.ts";
import { user } from "../../data/session.ts";
import { Form } from "../../parts/form.tsx";
import { Panel } from "../../parts/panel.tsx";
import { User } from "../../parts/texts.tsx";

export function Profile() {
  const id = user.value ?? "";
  const table = useFeed("profiles", { user: id }, () => new Table((row) => row.user_id));
  table.version.value;
  const row = table.byKey.get(id);
  const save = async ({ name = "", bio = "" }: Record<string, string>, key: string) => {
    await command("PUT", "/v1/profile", { display_name: name, bio }, key);
    return "Saved.";
  };
  return (
    <Panel title="Profile">
      <p>What others see: <User id={id} /></p>
      <Form send={save} button="Save">
        <label>Name to show<input name="name" required maxLength={40} defaultValue={row?.display_name ?? ""} /></label>
        <label>A few words<textarea name="bio" maxLength={280} rows={2} defaultValue={row?.bio ?? ""} /></label>
      </Form>
    </Panel>
  );
}
