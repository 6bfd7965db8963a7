// What the leaders of a constellation may do with a member, and the owner with the constellation.

import type { Row } from "../../data/feeds.ts";
import { command } from "../../data/own.ts";
import { pathOf } from "../../data/paths.ts";
import { Form } from "../../parts/form.tsx";

const ROLES = ["admin", "member", "recruit"] as const;

/** The forms of a member. Only the owner changes roles and removes admins; nobody does either to the owner. */
export function Manage({ member, isOwner }: { member: Row; isOwner: boolean }) {
  if (!member.user_id || member.role === "owner" || (member.role === "admin" && !isOwner)) return null;
  const path = pathOf`/v1/constellation/members/${member.user_id}`;
  const change = async ({ role }: Record<string, string>, key: string) => { await command("PUT", `${path}/role`, { role }, key); };
  const remove = async (_: object, key: string) => { await command("POST", `${path}/remove`, {}, key); };
  return (
    <div class="buttons">
      {isOwner && (
        <Form send={change} button="Set" label={`Set the role of ${member.user_id}`} kind="quiet">
          <select name="role" aria-label={`Role of ${member.user_id}`}>{ROLES.map((role) => <option key={role} selected={role === member.role}>{role}</option>)}</select>
        </Form>
      )}
      <Form send={remove} button="Remove" label={`Remove ${member.user_id}`} kind="link" />
    </div>
  );
}

export function Dissolve() {
  const dissolve = async (_: object, key: string) => { await command("DELETE", "/v1/constellation", undefined, key); };
  return (
    <details>
      <summary>Dissolve it</summary>
      <Form send={dissolve} button="Dissolve for good" kind="quiet">
        <label class="check"><input type="checkbox" required /> I know that this cannot be taken back</label>
      </Form>
    </details>
  );
}
