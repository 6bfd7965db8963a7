// The API keys of the user: what each may do, a form for another one, and its text, which is shown once.

import { useState } from "preact/hooks";

import { useAccount } from "../../data/account.ts";
import { own } from "../../data/own.ts";
import { pathOf } from "../../data/paths.ts";
import { useQuery } from "../../data/query.ts";
import { Form, textOf } from "../../parts/form.tsx";
import { Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { Time } from "../../parts/texts.tsx";
import { Secret } from "./secret.tsx";

interface ApiKey { id: string; name: string; scopes: string[]; addresses: string[]; expires_at: string; last_used_at: string | null }
interface Created extends ApiKey { key: string }

export function ApiKeys() {
  const role: string = useAccount()?.role ?? "user";
  const { data } = useQuery<{ scopes: Record<string, string[]> }>("/page-settings");
  return <Panel title="API keys"><KeysOf path="/v1/account/api-keys" scopes={data?.scopes[role] ?? []} /></Panel>;
}

/** The keys at a path, of the user or of a sub-account, which may have some scopes. */
export function KeysOf({ path, scopes }: { path: string; scopes: readonly string[] }) {
  const { data, error, again } = useQuery<{ api_keys: ApiKey[] }>(path, {}, true);
  const [made, setMade] = useState<Created | null>(null);
  const create = async (fields: Record<string, string>) => {
    const { name = "", days = "", addresses = "", password } = fields;
    const wanted = scopes.filter((scope) => fields[`scope ${scope}`] === "on");
    const networks = addresses.split(",").map((one) => one.trim()).filter(Boolean);
    const body = { name, scopes: wanted, expires_in_days: Number(days), addresses: networks, ...(password ? { password } : {}) };
    setMade(await own<Created>("POST", path, body));
    again();
    return `Created ${name}.`;
  };
  const revoke = (key: ApiKey) => async () => {
    await own("DELETE", path + pathOf`/${key.id}`);
    if (made?.id === key.id) setMade(null);
    again();
  };
  const columns: Column<ApiKey>[] = [
    { title: "Name", show: (row) => row.name },
    { title: "May", show: (row) => row.scopes.join(", ") },
    { title: "From", show: (row) => (row.addresses.length ? row.addresses.join(", ") : <span class="soft">anywhere</span>) },
    { title: "Last used", show: (row) => (row.last_used_at ? <Time at={row.last_used_at} /> : <span class="soft">never</span>) },
    { title: "Until", show: (row) => <Time at={row.expires_at} /> },
    { title: "Revoke", show: (row) => <Form send={revoke(row)} button="Revoke" label={`Revoke ${row.name}`} kind="link" /> },
  ];
  return (
    <>
      {error !== null && <p class="fault" role="alert">{textOf(error)}</p>}
      <RowsTable label="API keys" rows={data?.api_keys ?? []} keyOf={(row) => row.id} columns={columns} loaded={data !== null} empty="None yet. A program signs in with one." />
      <div role="status">{made && <Secret name={made.name} text={made.key} />}</div>
      <details>
        <summary>Create a key</summary>
        <Form send={create} button="Create the key">
          <label>Name<input name="name" required maxLength={64} /></label>
          <label>Valid for, days<input name="days" type="number" min={1} max={365} defaultValue={90} required /></label>
          <label>Only from (addresses, with commas between)<input name="addresses" placeholder="anywhere" /></label>
          <label>Your password, if you have one<input name="password" type="password" autoComplete="current-password" maxLength={128} /></label>
          <fieldset>
            <legend>It may</legend>
            {scopes.map((scope) => <label key={scope} class="check"><input type="checkbox" name={`scope ${scope}`} /> {scope}</label>)}
          </fieldset>
        </Form>
      </details>
    </>
  );
}
