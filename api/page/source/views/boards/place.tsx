// The place of one user on a board, with the rows around it.

import type { Row } from "../../data/feeds.ts";
import { decimal } from "../../data/format.ts";
import { pathOf } from "../../data/paths.ts";
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
  const of = pathOf`/v1/leaderboards/${board.board}`;
  const known = useQuery<{ rows: Row[] }>(user ? `${of}/ranks` : null, { ...board.query, user }, true);
  const isThere = known.data !== null && known.data.rows.length > 0;
  const around = useQuery<Found>(isThere ? of + pathOf`/users/${user}` : null, { ...board.query, neighbours: NEIGHBOURS }, true);
  const { data } = around;
  const error = known.error ?? around.error;
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
      <p class="empty" role="status">{error !== null ? textOf(error) : known.data !== null && !isThere && (isOwn ? "You are not on this board." : `${user} is not on this board.`)}</p>
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
