// Sign in with a name and a password or with a wallet, or make an account.

import { request } from "../../data/api.ts";
import { useQuery } from "../../data/query.ts";
import { register, signIn, signInByWallet } from "../../data/session.ts";
import { type Challenge, prove, type Wallet } from "../../data/wallet.ts";
import { Form } from "../../parts/form.tsx";
import { Panel } from "../../parts/panel.tsx";
import { WalletForm } from "../../parts/wallet_form.tsx";
import { choice, choose, goBack } from "../../shell/router.ts";

const byWallet = async (wallet: Wallet, chainId: string) => {
  const ask = (named: object) => request<Challenge>("POST", "/v1/auth/wallet/challenge", named);
  await signInByWallet(await prove(wallet, chainId, "sign-in", ask));
  goBack();
};

/** The title is that of the view that asks for it. */
export function SignIn({ title = "You" }: { title?: string }) {
  const isNew = choice("account", "", ["new"]) === "new";
  const settings = useQuery<{ password_chars_min: number }>("/page-settings").data;
  const least = isNew ? settings?.password_chars_min : undefined;
  const send = async ({ name = "", password = "" }) => {
    await (isNew ? register(name, password) : signIn(name, password));
    goBack();
  };
  return (
    <div class="narrow">
      <h1>{title}</h1>
      <Panel title={isNew ? "Create an account" : "Sign in"}>
        <Form key={String(isNew)} send={send} button={isNew ? "Create account" : "Sign in"}>
          <label>{isNew ? "Name" : "Name or e-mail address"}<input name="name" autoComplete="username" required maxLength={320} /></label>
          <label>
            Password
            <input name="password" type="password" autoComplete={isNew ? "new-password" : "current-password"} required minLength={least} maxLength={128} aria-describedby="password-rule" />
          </label>
          {least && <p id="password-rule" class="soft line">At least {least} characters, and no common word or pattern.</p>}
        </Form>
        <p class="soft">
          {isNew ? "You have an account? " : "You have no account? "}
          <button class="link" type="button" onClick={() => choose({ account: isNew ? "" : "new" })}>{isNew ? "Sign in" : "Create one"}</button>
        </p>
        <h3>With a wallet</h3>
        <WalletForm use={byWallet} button="Sign in with a wallet" kind="quiet" />
      </Panel>
    </div>
  );
}
