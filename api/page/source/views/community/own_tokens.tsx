// The tokens of whoever is signed in, which can be offered, and those that may be minted.

import { useFeed } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { command } from "../../data/own.ts";
import { pathOf } from "../../data/paths.ts";
import { Table } from "../../data/rows.ts";
import { words } from "../../data/texts.ts";
import { Form } from "../../parts/form.tsx";

const ASSETS = ["SS", "LM", "STRK"];

export function OwnTokens({ tokens }: { tokens: readonly Row[] }) {
  const table = useFeed("collector", {}, () => new Table(() => "own"));
  table.version.value;
  const row = table.byKey.get("own");
  const types = Object.keys(row?.eligible ?? {});
  return (
    <>
      <h3>Your tokens</h3>
      {tokens.length === 0 && <p class="empty">None yet.</p>}
      <ul class="lines">{tokens.map((token) => <li key={token.token_id}><span>{words(token.type)} <span class="soft">#{token.token_id}</span></span><Offer token={token} /></li>)}</ul>
      <h3>You may mint</h3>
      {types.length === 0 && <p class="empty">Nothing yet. Achievements allow it, such as the first trade.</p>}
      <ul class="lines">{types.map((type) => <li key={type}><span>{words(type)}</span><Mint type={type} mint={row?.mints[type]} /></li>)}</ul>
    </>
  );
}

function Mint({ type, mint }: { type: string; mint: Row | undefined }) {
  const send = async (_: object, key: string) => { await command("POST", "/v1/nft/mints", { type }, key); };
  if (mint && mint.status !== "failed") return <span class="soft">{mint.status}{mint.status === "pending" && ": the chain has not confirmed it"}</span>;
  return <Form send={send} button="Mint" label={`Mint ${words(type)}`} kind="quiet" />;
}

function Offer({ token }: { token: Row }) {
  const path = pathOf`/v1/nft/tokens/${token.token_id}/listings`;
  const offer = async ({ price, asset }: Record<string, string>, key: string) => { await command("POST", path, { asset, price }, key); };
  const withdraw = async (_: object, key: string) => { await command("DELETE", path + pathOf`/${token.listing.listing_id}`, undefined, key); };
  if (token.listing) return <Form send={withdraw} button={`Withdraw the offer of ${decimal(token.listing.price)} ${token.listing.asset}`} kind="quiet" />;
  return (
    <Form send={offer} button="Offer" label={`Offer ${words(token.type)} #${token.token_id}`}>
      <label>Price<input name="price" inputMode="decimal" required pattern="\d+(\.\d{1,18})?" size={6} /></label>
      <label>In<select name="asset">{ASSETS.map((asset) => <option key={asset}>{asset}</option>)}</select></label>
    </Form>
  );
}
