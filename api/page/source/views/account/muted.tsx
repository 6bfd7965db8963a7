// The kinds of notifications that the user does not want.

import { useFeed } from "../../data/follow.ts";
import { command } from "../../data/own.ts";
import { useQuery } from "../../data/query.ts";
import { Table } from "../../data/rows.ts";
import { words } from "../../data/texts.ts";
import { Form } from "../../parts/form.tsx";

const LANGUAGE = "en";

export function Muted() {
  const table = useFeed("preferences", {}, () => new Table(() => "own"));
  table.version.value;
  const kinds = useQuery<{ notification_kinds: string[] }>("/page-settings").data?.notification_kinds;
  const row = table.byKey.get("own");
  const muted: readonly string[] = row?.muted ?? [];
  if (!kinds || !table.loaded.value) return null; // a form that knows neither would save that all is wanted
  const save = async (fields: Record<string, string>, key: string) => {
    const wanted = kinds.filter((kind) => fields[`keep ${kind}`] !== "on");
    await command("PUT", "/v1/preferences", { language: row?.language ?? LANGUAGE, muted: wanted }, key);
    return "Saved.";
  };
  return (
    <details>
      <summary>Choose what to be told</summary>
      <Form send={save} button="Save">
        <fieldset>
          <legend>Tell me about</legend>
          {kinds.map((kind) => <label key={kind} class="check"><input type="checkbox" name={`keep ${kind}`} defaultChecked={!muted.includes(kind)} /> {words(kind)}</label>)}
        </fieldset>
      </Form>
    </details>
  );
}
