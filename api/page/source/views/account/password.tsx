// Change the password. The other sessions end then.

import { own } from "../../data/own.ts";
import { Form } from "../../parts/form.tsx";
import { Panel } from "../../parts/panel.tsx";

export function Password() {
  const change = async ({ before = "", next = "", keys }: Record<string, string>) => {
    await own("PUT", "/v1/account/password", { current_password: before, new_password: next, revoke_api_keys: keys === "on" });
    return keys === "on" ? "Changed. Your other sessions have ended, and your API keys are revoked." : "Changed. Your other sessions have ended.";
  };
  return (
    <Panel title="Password">
      <Form send={change} button="Change the password">
        <label>Present password<input name="before" type="password" autoComplete="current-password" required maxLength={128} /></label>
        <label>New password<input name="next" type="password" autoComplete="new-password" required maxLength={128} /></label>
        <label class="check"><input name="keys" type="checkbox" /> Revoke all API keys, too</label>
      </Form>
    </Panel>
  );
}
