// The account of whoever is signed in: notifications, how to sign in, and what others may see and do.

import { user } from "../data/session.ts";
import { ApiKeys } from "./account/api_keys.tsx";
import { Notifications } from "./account/notifications.tsx";
import { Password } from "./account/password.tsx";
import { Privacy } from "./account/privacy.tsx";
import { Profile } from "./account/profile.tsx";
import { Sessions } from "./account/sessions.tsx";
import { SubAccounts } from "./account/sub_accounts.tsx";
import { Wallets } from "./account/wallets.tsx";
import { SignIn } from "./player/sign_in.tsx";

export function Account() {
  const id = user.value;
  return id ? <Signed key={id} /> : <SignIn title="Account" />;
}

function Signed() {
  return (
    <>
      <h1>Account</h1>
      <div class="pair">
        <div class="stack">
          <Notifications />
          <Sessions />
          <ApiKeys />
        </div>
        <div class="stack">
          <Profile />
          <Privacy />
          <Password />
          <Wallets />
          <SubAccounts />
        </div>
      </div>
    </>
  );
}
