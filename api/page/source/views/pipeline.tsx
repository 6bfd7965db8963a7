// How the pipeline works: topics with their rates, groups with their lag, and for operators members and processes.

import { useAccount, isStaff } from "../data/account.ts";
import { user } from "../data/session.ts";
import { Domains } from "./pipeline/domains.tsx";
import { Services } from "./pipeline/services.tsx";
import { Topics } from "./pipeline/topics.tsx";

export function Pipeline() {
  return (
    <>
      <h1>Pipeline</h1>
      <div class="pair">
        <Topics />
        <div class="stack">{user.value ? <ForStaff /> : <p class="empty">Sign in as a moderator to see groups, members and processes.</p>}</div>
      </div>
    </>
  );
}

function ForStaff() {
  if (!isStaff(useAccount())) return <p class="empty">Groups, members and processes are for moderators.</p>;
  return (
    <>
      <Domains />
      <Services />
    </>
  );
}
