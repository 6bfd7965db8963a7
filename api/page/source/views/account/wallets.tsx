// The wallets that sign in to the account: link another one, or unlink one.

import { own } from "../../data/own.ts";
import { pathOf } from "../../data/paths.ts";
import { useQuery } from "../../data/query.ts";
import { type Challenge, prove, type Wallet } from "../../data/wallet.ts";
import { Form, textOf } from "../../parts/form.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { Time } from "../../parts/texts.tsx";
import { WalletForm } from "../../parts/wallet_form.tsx";

const PATH = "/v1/account/wallets";

interface Linked { chain_id: string; address: string; linked_at: string }

const challenge = (purpose: "link" | "unlink") => (named: object) => own<Challenge>("POST", `${PATH}/challenge`, { ...named, purpose });

export function Wallets() {
  const { data, error, again } = useQuery<{ wallets: Linked[] }>(PATH, {}, true);
  const link = async (wallet: Wallet, chainId: string, { password }: Record<string, string>) => {
    const proven = await prove(wallet, chainId, "link", challenge("link"));
    await own("POST", PATH, { ...proven, ...(password ? { current_password: password } : {}) });
    again();
    return `Linked ${wallet.name}.`;
  };
  return (
    <Panel title="Wallets">
      {error !== null && <p class="fault" role="alert">{textOf(error)}</p>}
      {!data?.wallets.length && <Empty loaded={data !== null || error !== null}>None is linked. You can sign in with a wallet that is.</Empty>}
      {data?.wallets.map((wallet) => <One key={wallet.address} wallet={wallet} changed={again} />)}
      <WalletForm use={link} button="Link a wallet">
        <label>Your password, if you have one<input name="password" type="password" autoComplete="current-password" maxLength={128} /></label>
      </WalletForm>
    </Panel>
  );
}

function One({ wallet: { chain_id, address, linked_at }, changed }: { wallet: Linked; changed: () => void }) {
  const path = PATH + pathOf`/${chain_id}/${address}/unlink`;
  const byPassword = async ({ password = "" }: Record<string, string>) => {
    await own("POST", path, { current_password: password });
    changed();
  };
  const bySignature = async (wallet: Wallet, chainId: string) => {
    const { proof } = await prove(wallet, chainId, "unlink", challenge("unlink"));
    await own("POST", path, { proof });
    changed();
  };
  return (
    <details>
      <summary><span class="user" title={address}>{address}</span> <span class="soft">{chain_id}, since <Time at={linked_at} /></span></summary>
      <p class="soft">Unlinking ends your other sessions. Prove yourself by this wallet, or by your password where the wallet is lost.</p>
      <WalletForm use={bySignature} button="Unlink by signature" label={`Unlink ${address} by signature`} kind="quiet" />
      <Form send={byPassword} button="Unlink by password" label={`Unlink ${address} by password`} kind="quiet">
        <label>Your password<input name="password" type="password" autoComplete="current-password" required maxLength={128} /></label>
      </Form>
    </details>
  );
}
