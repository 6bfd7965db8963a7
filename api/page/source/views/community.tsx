// Constellations, battles, the market place, and what followed users did. The address may choose one user or constellation.

import { useFeed } from "../data/follow.ts";
import { Table } from "../data/rows.ts";
import { user } from "../data/session.ts";
import { Rejections } from "../parts/rejections.tsx";
import { choice, visit } from "../shell/router.ts";
import { Battles } from "./community/battles.tsx";
import { ConstellationPage } from "./community/constellation_page.tsx";
import { Constellations } from "./community/constellations.tsx";
import { Followed } from "./community/followed.tsx";
import { Market } from "./community/market.tsx";
import { ProfilePage } from "./community/profile_page.tsx";

export function Community() {
  const all = useFeed("constellations", {}, () => new Table((row) => row.constellation_id));
  const [person, constellation] = [choice("user", ""), choice("constellation", "")];
  return (
    <>
      {user.value && <Rejections key={user.value} feed="my-social" />}
      {person ? <ProfilePage key={person} id={person} />
        : constellation ? <ConstellationPage key={constellation} id={constellation} all={all} />
        : <Overview all={all} />}
    </>
  );
}

function Overview({ all }: { all: Table }) {
  return (
    <>
      <h1>Community</h1>
      <Find />
      <div class="pair">
        <div class="stack">
          <Constellations all={all} />
          <Market />
        </div>
        <div class="stack">
          <Battles all={all} />
          <Followed />
        </div>
      </div>
    </>
  );
}

/** Find a user by the id, which boards and feeds show. */
function Find() {
  const find = (event: Event) => {
    event.preventDefault();
    const id = String(new FormData(event.currentTarget as HTMLFormElement).get("user") ?? "").trim();
    if (id) visit(`/community?user=${encodeURIComponent(id)}`);
  };
  return (
    <form role="search" onSubmit={find}>
      <label>User<input name="user" required maxLength={64} /></label>
      <button>Find</button>
    </form>
  );
}
