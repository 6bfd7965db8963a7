// Sub-accounts of the user. Each trades on its own through API keys.

import { useAccount } from "../../data/account.ts";
import { own } from "../../data/own.ts";
import { pathOf } from "../../data/paths.ts";
import { useQuery } from "../../data/query.ts";
import { Form, textOf } from "../../parts/form.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { KeysOf } from "./api_keys.tsx";

const PATH = "/v1/account/sub-accounts";

interface SubAccount { user_id: string; label: string; status: string }

export function SubAccounts() {
  return useAccount()?.role === "user" ? <Listed /> : null;
}

function Listed() {
  const { data, error, again } = useQuery<{ sub_accounts: SubAccount[] }>(PATH, {}, true);
  const settings = useQuery<{ sub_account_scopes: string[] }>("/page-settings").data;
  const create = async ({ label = "" }: Record<string, string>) => {
    await own("POST", PATH, { label });
    again();
    return `Created ${label}.`;
  };
  const close = (one: SubAccount) => async () => {
    await own("DELETE", PATH + pathOf`/${one.user_id}`);
    again();
  };
  return (
    <Panel title="Sub-accounts">
      {error !== null && <p class="fault" role="alert">{textOf(error)}</p>}
      {!data?.sub_accounts.length && <Empty loaded={data !== null || error !== null}>None. A sub-account has positions of its own, for a program that trades.</Empty>}
      {data?.sub_accounts.map((one) => (
        <details key={one.user_id}>
          <summary><strong>{one.label}</strong> <span class="soft">{one.user_id}</span></summary>
          <KeysOf path={PATH + pathOf`/${one.user_id}/api-keys`} scopes={settings?.sub_account_scopes ?? []} />
          <Form send={close(one)} button="Close for good" label={`Close ${one.label} for good`} kind="quiet">
            <label class="check"><input type="checkbox" required /> I know that it cannot be opened again</label>
          </Form>
        </details>
      ))}
      <Form send={create} button="Create a sub-account">
        <label>Name<input name="label" required maxLength={64} /></label>
      </Form>
    </Panel>
  );
}
