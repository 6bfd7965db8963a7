// The public profile of a user: figures, achievements, what the user did, and tokens. Others can follow and endorse.

import { useFeed } from "../../data/follow.ts";
import { decimal } from "../../data/format.ts";
import { titleOf } from "../../data/progress.ts";
import { Table } from "../../data/rows.ts";
import { user } from "../../data/session.ts";
import { Figure } from "../../parts/figure.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { Time } from "../../parts/texts.tsx";
import { follow } from "../../shell/router.ts";
import { Entries } from "./entries.tsx";
import { Befriend } from "./befriend.tsx";
import { TokensOf } from "./tokens_of.tsx";

/** Return the row of a user in a public feed, and whether it has been read. */
function useRow(feed: string, id: string) {
  const table = useFeed(feed, { user: id }, () => new Table((row) => row.user_id));
  table.version.value;
  return { row: table.byKey.get(id), loaded: table.loaded.value, refusal: table.refusal.value };
}

export function ProfilePage({ id }: { id: string }) {
  const { row: profile } = useRow("profiles", id);
  const { row: progress, loaded, refusal } = useRow("progress", id);
  const { row: person, loaded: isKnown } = useRow("people", id);
  const { row: activity, loaded: isRead } = useRow("activity", id);
  const isUnknown = loaded && isKnown && !progress && !person && !profile;
  const way = <p class="path"><a href="/community" onClick={follow}>Community</a></p>;
  if (refusal) return <>{way}<h1>No such user</h1><p class="fault" role="alert">{id} is not the id of a user. Find a user by the id that boards show.</p></>;
  return (
    <>
      {way}
      <h1>{profile?.display_name ?? id}</h1>
      {profile && <p class="soft">{id}{profile.bio && ` · ${profile.bio}`}</p>}
      {isUnknown && <Empty loaded>Nothing is known of {id}: there is no such user, or the user is private.</Empty>}
      {id === user.value && <p><a href="/account" onClick={follow}>Change your profile</a></p>}
      {user.value && user.value !== id && !isUnknown && <Befriend key={user.value} id={id} />}
      <dl class="figures">
        <Figure name="Level">{progress?.level ?? "–"}</Figure>
        <Figure name="XP">{progress ? decimal(progress.xp) : "–"}</Figure>
        <Figure name="Trades">{progress ? decimal(progress.trades) : "–"}</Figure>
        <Figure name="Followers">{person ? decimal(person.followers) : "–"}</Figure>
        <Figure name="Social rating">{person ? decimal((person.rating_millionths / 1e6).toFixed(1)) : "–"}</Figure>
        <Figure name="Prestige">{person?.prestige ?? "none yet"}</Figure>
      </dl>
      <div class="pair">
        <Panel title="What they did" kind="tall roomy">
          {activity?.entries.length ? <Entries entries={activity.entries} /> : <Empty loaded={isRead}>Nothing yet.</Empty>}
        </Panel>
        <div class="stack">
          <Panel title="Achievements">
            {!progress?.achievements.length && <Empty loaded={loaded}>None yet.</Empty>}
            <ul class="lines">
              {progress?.achievements.map((one: { name: string; at: string }) => <li key={one.name}><span><span aria-hidden="true">★ </span>{titleOf(one.name, decimal)}</span><span class="soft"><Time at={one.at} /></span></li>)}
            </ul>
          </Panel>
          <TokensOf id={id} />
        </div>
      </div>
    </>
  );
}
