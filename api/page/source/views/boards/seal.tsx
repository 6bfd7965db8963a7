// Whether a period is sealed, its digest, and the proof of one's rank, which the browser checks by itself.

import { useState } from "preact/hooks";

import { get } from "../../data/api.ts";
import { pathOf } from "../../data/paths.ts";
import { useQuery } from "../../data/query.ts";
import { ProofError, rankOf, type RankProof } from "../../data/rank_proof.ts";
import { token } from "../../data/session.ts";
import { textOf } from "../../parts/form.tsx";
import { Panel } from "../../parts/panel.tsx";
import type { ChosenBoard } from "./chosen.tsx";

interface Page { sealed: boolean; digest: string | null; total: number }

export function Seal({ board, user }: { board: ChosenBoard; user: string }) {
  const path = board.scope === "constellations" ? "/v1/leaderboards/xp/constellations" : pathOf`/v1/leaderboards/${board.board}`;
  const isAsked = board.period !== "all" && board.scope !== "friends";
  const { data } = useQuery<Page>(isAsked ? path : null, { ...board.query, limit: "1" }, true);
  if (!isAsked || !data) return null;
  return (
    <Panel title="Seal">
      {!data.sealed && <p class="empty">This period is open. It is sealed some hours after its end, and then nothing changes it.</p>}
      {data.sealed && <p>Sealed. Its digest, which is keyed for all but the staff, is <code class="digest">{data.digest}</code></p>}
      {data.sealed && board.scope === "everyone" && <Proof key={`${board.board} ${board.period} ${board.market} ${user}`} board={board} user={user} />}
    </Panel>
  );
}

/** The digest that a reader sees is keyed, because a plain one would tell the names of private users. The proof has the plain one. */
function Proof({ board, user }: { board: ChosenBoard; user: string }) {
  const [said, setSaid] = useState<{ ok: boolean; text: string } | null>(null);
  if (!user) return <p class="soft">Sign in to verify your own rank.</p>;
  const check = async () => {
    try {
      const path = pathOf`/v1/leaderboards/${board.board}/users/${user}/proof`;
      const proof = await get<RankProof>(path, board.query, await token());
      const rank = await rankOf(proof, `${board.market || "global"}/${board.period}/${board.board}`, user);
      setSaid({ ok: true, text: `Your browser has checked it: you have rank ${rank} on the board with the digest ${proof.digest}. Others on this board can compare the digest.` });
    } catch (error) {
      setSaid({ ok: false, text: error instanceof ProofError ? `The proof is wrong: ${error.message}` : textOf(error) });
    }
  };
  return (
    <>
      <button type="button" onClick={() => void check()}>Verify my rank</button>
      <p role="status" class={said?.ok === false ? "fault" : "up digest"}>{said?.text}</p>
    </>
  );
}
