// Starknet wallets that extensions of the browser put into the page (`window.starknet_…`), and what they sign.

import { MessageError } from "./api.ts";

/** A wallet of the browser. `request` asks it for something, and may ask the user. */
export interface Wallet {
  id: string;
  name: string;
  request(call: { type: string; params?: object }): Promise<any>;
}

type Purpose = "sign-in" | "link" | "unlink";

interface Named { chain_id: string; address: string }

/** A challenge of the API: data to sign, and the nonce that names it. */
export interface Challenge {
  nonce: string;
  typed_data: { primaryType: string; domain: Record<string, string>; message: Record<string, string | number> };
}

/** A wallet, and its signature of a challenge. */
export interface Proven extends Named {
  proof: { nonce: string; signature: string[]; public_key?: string };
}

/** Return the wallets that are in the page now. Each puts itself there some time after the page has begun. */
export function walletsHere(): Wallet[] {
  const names = Object.getOwnPropertyNames(globalThis).filter((name) => name.startsWith("starknet_"));
  const found = names.map((name) => (globalThis as any)[name]).filter((one) => typeof one?.request === "function");
  return [...new Map(found.map((one: Wallet) => [one.id, one])).values()];
}

/** Let a wallet sign a challenge that `ask` gets for it.
 *
 * Raise a MessageError when it refuses, is on another chain, or would sign something else.
 */
export async function prove(wallet: Wallet, chainId: string, purpose: Purpose, ask: (named: Named) => Promise<Challenge>): Promise<Proven> {
  const [account] = await asked<string[]>(wallet, "wallet_requestAccounts");
  if (!account) throw new MessageError(`${wallet.name} has no account. Create one there.`);
  const its = shortText(await asked<string>(wallet, "wallet_requestChainId"));
  if (its !== chainId) throw new MessageError(`${wallet.name} is on ${its}. Switch it to ${chainId}, and try again.`);
  const named = { chain_id: chainId, address: hex(account) };
  const challenge = await ask(named);
  check(challenge, chainId, purpose);
  const signature = (await asked<string[]>(wallet, "wallet_signTypedData", challenge.typed_data)).map(hex);
  const key = await keyOf(wallet);
  return { ...named, proof: { nonce: challenge.nonce, signature, ...(key ? { public_key: key } : {}) } };
}

async function asked<T>(wallet: Wallet, type: string, params?: object): Promise<T> {
  try {
    return await wallet.request({ type, ...(params ? { params } : {}) }) as T;
  } catch (error) {
    const why = (error as Error | null)?.message;
    throw new MessageError(`${wallet.name} refused${why ? `: ${why}` : ". Try again, and confirm it there."}`);
  }
}

/** Return the key of an account that is not deployed yet: the chain does not know it. Wallets take it as the salt. */
async function keyOf(wallet: Wallet): Promise<string | null> {
  const data = await wallet.request({ type: "wallet_deploymentData" }).catch(() => null);
  return data?.salt ? hex(data.salt) : null;
}

function check({ typed_data: { primaryType, domain, message } }: Challenge, chainId: string, purpose: Purpose): void {
  const isOurs = primaryType === "WalletChallenge" && domain.name === "AstraTrade" && domain.chainId === chainId && message.purpose === purpose;
  if (!isOurs) throw new MessageError("The API asks for a signature of something else. Do not sign it.");
  if (message.origin !== location.origin) throw new MessageError(`Wallets sign in at ${message.origin}. Open the page there.`);
}

const hex = (felt: string): string => `0x${BigInt(felt).toString(16)}`;

/** Return a short string of Starknet as text; wallets name a chain by the number or by the text. */
function shortText(felt: string): string {
  if (!/^0x[0-9a-f]+$/i.test(felt)) return felt;
  return String.fromCharCode(...(hex(felt).slice(2).match(/../g) ?? []).map((byte) => parseInt(byte, 16)));
}
