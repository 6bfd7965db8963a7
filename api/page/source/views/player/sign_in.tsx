// Sign in with a name and a password, or make an account.

import { register, signIn } from "../../data/session.ts";
import { Form } from "../../parts/form.tsx";
import { Panel } from "../../parts/panel.tsx";
import { choice, choose } from "../../shell/router.ts";

export function SignIn() {
  const isNew = choice("account", "", ["new"]) === "new";
  const send = ({ name = "", password = "" }) => (isNew ? register(name, password) : signIn(name, password));
  return (
    <div class="narrow">
      <h1>You</h1>
      <Panel title={isNew ? "Create an account" : "Sign in"}>
        <Form key={String(isNew)} send={send} button={isNew ? "Create account" : "Sign in"}>
          <label>{isNew ? "Name" : "Name or e-mail address"}<input name="name" autoComplete="username" required maxLength={320} /></label>
          <label>
            Password
            <input name="password" type="password" autoComplete={isNew ? "new-password" : "current-password"} required maxLength={128} />
          </label>
        </Form>
        <p class="soft">
          {isNew ? "You have an account? " : "You have no account? "}
          <button class="link" type="button" onClick={() => choose({ account: isNew ? "" : "new" })}>{isNew ? "Sign in" : "Create one"}</button>
        </p>
      </Panel>
    </div>
  );
}
