// A form that a wallet of the browser takes part in, and what to do where there is none.

import type { ComponentChildren } from "preact";
import { useEffect, useState } from "preact/hooks";

import { MessageError } from "../data/api.ts";
import { useQuery } from "../data/query.ts";
import { type Wallet, walletsHere } from "../data/wallet.ts";
import { Form } from "./form.tsx";

const LOOK_AGAIN_MS = 1_000;

type Use = (wallet: Wallet, chainId: string, fields: Record<string, string>) => Promise<string | void>;

export function WalletForm(props: { use: Use; button: string; label?: string; kind?: string; children?: ComponentChildren }) {
  const [wallets, setWallets] = useState(walletsHere);
  const chainId = useQuery<{ chain_id: string }>("/page-settings").data?.chain_id;
  useEffect(() => {
    const timer = setInterval(() => setWallets((known) => { // the same list, unless a wallet came
      const now = walletsHere();
      return now.length === known.length ? known : now;
    }), LOOK_AGAIN_MS);
    return () => clearInterval(timer);
  }, []);
  if (wallets.length === 0) return <p class="soft">No Starknet wallet is in this browser. Install one, such as Ready or Braavos, and it appears here.</p>;
  const send = async (fields: Record<string, string>) => {
    const wallet = walletsHere().find(({ id }) => id === fields.wallet) ?? walletsHere()[0];
    if (!wallet || !chainId) throw new MessageError("The wallet is away. Load the page again.");
    return props.use(wallet, chainId, fields);
  };
  return (
    <Form send={send} button={props.button} {...(props.label ? { label: props.label } : {})} {...(props.kind ? { kind: props.kind } : {})}>
      {wallets.length > 1 && <label>Wallet<select name="wallet">{wallets.map(({ id, name }) => <option key={id} value={id}>{name}</option>)}</select></label>}
      {props.children}
    </Form>
  );
}
