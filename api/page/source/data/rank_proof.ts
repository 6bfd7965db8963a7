// Checks a proof of a rank on a sealed board, as `astratrade boards verify` does. Nothing of it asks the API.

export interface ShownRow {
  score: string;
  rest: string | null;
  reached_at_us: number | null;
  user: string | null;
  user_id: string | null;
  path: string[];
}

export interface PartProof {
  partition: number;
  rows: number;
  root: string;
  better: number;
  before: ShownRow | null;
  after: ShownRow | null;
}

export interface RankProof {
  group: string;
  digest: string;
  user_id: string;
  score: string;
  reached_at_us: number;
  rank: number;
  parts: PartProof[];
}

/** The proof does not prove the rank. The message says why. */
export class ProofError extends Error {}

type Order = readonly [negatedScore: bigint, reachedAt: number, user: string];

/** Return the rank that a proof proves of a user on a board, or raise a ProofError. */
export async function rankOf(proof: RankProof, group: string, user: string): Promise<number> {
  if (proof.group !== group || proof.user_id !== user) throw new ProofError(`it is for ${proof.user_id} on ${proof.group}`);
  return verify(proof);
}

/** Return the rank that a proof proves, or raise a ProofError. */
export async function verify(proof: RankProof): Promise<number> {
  const order: Order = [-BigInt(proof.score), proof.reached_at_us, proof.user_id];
  if (new Set(proof.parts.map((part) => part.partition)).size < proof.parts.length) throw new ProofError("a partition comes twice");
  let own = 0;
  for (const part of proof.parts) own += Number(await isInPart(part, order));
  if (own !== 1) throw new ProofError(`the user's row is in ${own} parts, expected 1`);
  const digest = await boardDigest(proof);
  if (digest !== proof.digest) throw new ProofError(`the parts have the digest ${digest}, and the proof says ${proof.digest}`);
  const rank = 1 + proof.parts.reduce((sum, part) => sum + part.better, 0);
  if (rank !== proof.rank) throw new ProofError(`the parts prove rank ${rank}, and the proof says ${proof.rank}`);
  return rank;
}

/** Check a part, and return whether the user's own row is in it. */
async function isInPart(part: PartProof, order: Order): Promise<boolean> {
  const where = `partition ${part.partition}`;
  if (part.better > part.rows || (part.before === null) !== (part.better === 0)) throw new ProofError(`${where} does not show the last better row`);
  if ((part.after === null) !== (part.better === part.rows)) throw new ProofError(`${where} does not show the first row that is not better`);
  if (part.rows === 0 && part.root !== await hash("empty")) throw new ProofError(`${where} has a root without rows`);
  if (part.before && await compared(part, part.before, part.better - 1, order) >= 0) throw new ProofError(`${where} shows a row as better that is not`);
  const after = part.after ? await compared(part, part.after, part.better, order) : 1;
  if (after < 0) throw new ProofError(`${where} shows a better row as one that is not`);
  return after === 0;
}

/** Return -1, 0 or 1 as a row is better than the user's, is it, or is not better. Check that it is in the part. */
async function compared(part: PartProof, row: ShownRow, index: number, order: Order): Promise<number> {
  const user = row.user_id === null ? row.user : await hash("user", row.user_id);
  let { rest } = row;
  if (rest === null && row.reached_at_us !== null && user !== null) rest = await hash("time", String(row.reached_at_us), user);
  if (rest === null) throw new ProofError(`partition ${part.partition} shows a row without its rest`);
  const leaf = await hash("row", BigInt(row.score).toString(), rest);
  if (await rootFrom(leaf, index, part.rows, row.path, part.partition) !== part.root) {
    throw new ProofError(`partition ${part.partition} shows a row that is not in its tree`);
  }
  const shown = [-BigInt(row.score), row.reached_at_us, row.user_id] as const;
  for (let place = 0; place < order.length; place += 1) {
    const [one, other] = [shown[place], order[place]] as [bigint | number | string | null, bigint | number | string];
    if (one === null) throw new ProofError(`partition ${part.partition} hides what decides the order`);
    if (one !== other) return one < other ? -1 : 1;
  }
  return 0;
}

/** Return the root that a leaf at an index leads to. */
async function rootFrom(leaf: string, index: number, rows: number, path: string[], partition: number): Promise<string> {
  if (index < 0 || index >= rows) throw new ProofError(`partition ${partition}: a tree of ${rows} rows has no row ${index}`);
  const beside = [...path];
  let found = leaf;
  for (; rows > 1; index = Math.floor(index / 2), rows = Math.ceil(rows / 2)) {
    if ((index ^ 1) >= rows) continue; // an odd node at the end moves up unchanged
    const other = beside.shift();
    if (other === undefined) throw new ProofError(`partition ${partition}: the path is too short`);
    found = index % 2 ? await hash("node", other, found) : await hash("node", found, other);
  }
  if (beside.length) throw new ProofError(`partition ${partition}: the path is too long`);
  return found;
}

function boardDigest(proof: RankProof): Promise<string> {
  const parts = [...proof.parts].sort((a, b) => a.partition - b.partition);
  return hash("board", proof.group, ...parts.map((part) => `${part.partition} ${part.rows} ${part.root}`));
}

async function hash(...parts: string[]): Promise<string> {
  if (!crypto.subtle) throw new ProofError("this browser checks proofs over HTTPS or on localhost alone");
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(parts.join("\n")));
  return [...new Uint8Array(digest)].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
