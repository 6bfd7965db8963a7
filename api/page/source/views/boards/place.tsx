// The place of one user on a board, with the rows around it.

import { ProblemError } from "../../data/api.ts";
import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { useQuery } from "../../data/query.ts";
import { textOf } from "../../parts/form.tsx";
import { Panel } from "../../parts/panel.tsx";
import { User } from "../../parts/texts.tsx";
import { choose } from "../../shell/router.ts";
import type { ChosenBoard } from "./chosen.tsx";
import { Score } from "./score.tsx";

const NEIGHBOURS = "5";

interface Found { rank: number; total: number; rows: Row[] }

export function Place(props: { board: ChosenBoard; user: string; isOwn: boolean }) {
  const { board, user, isOwn } = props;
  const path = user ? `/v1/leaderboards/${board.board}/users/${encodeURIComponent(user)}` : null;
  const { data, error } = useQuery<Found>(path, { ...board.query, neighbours: NEIGHBOURS }, true);
  const search = (event: Event) => {
    event.preventDefault();
    choose({ user: String(new FormData(event.currentTarget as HTMLFormElement).get("user") ?? "").trim() });
  };
  return (
    <Panel title={isOwn ? "Around you" : "Around a trader"}>
      <form onSubmit={search} role="search">
        <label>Trader<input name="user" key={user} defaultValue={user} maxLength={64} /></label>
        <button>Find</button>
      </form>
      {error !== null && <p class="empty" role="status">{error instanceof ProblemError && error.status === 404 ? `${user} is not on this board.` : textOf(error)}</p>}
      {data && (
        <>
          <p>Rank {decimal(data.rank)} of {decimal(data.total)}</p>
          <table>
            <tbody>
              {data.rows.map((row) => (
                <tr key={row.rank} class={row.rank === data.rank ? "own" : ""}>
                  <td class="rank">{row.rank}</td>
                  <td><User id={row.user_id} /></td>
                  <td class="number"><Score board={board} score={row.score} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        </>
      )}
    </Panel>
  );
}
