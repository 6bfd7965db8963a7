// What a player sees of themselves: trading, progress, and history. It asks for a sign-in first.

import type { ComponentType } from "preact";

import { useAccount } from "../data/account.ts";
import type { Row } from "../data/feeds.ts";
import { useFeed } from "../data/follow.ts";
import { usePrices } from "../data/prices.ts";
import { Table } from "../data/rows.ts";
import { user } from "../data/session.ts";
import { SubViews } from "../parts/sub_views.tsx";
import { choice } from "../shell/router.ts";
import { Achievements } from "./player/achievements.tsx";
import { Constellation } from "./player/constellation.tsx";
import { Equity } from "./player/equity.tsx";
import { Glance } from "./player/glance.tsx";
import { Ledger } from "./player/ledger.tsx";
import { Portfolio } from "./player/money.tsx";
import { Order } from "./player/order.tsx";
import { OpenTrades, Positions } from "./player/positions.tsx";
import { Rewards } from "./player/rewards.tsx";
import { SignIn } from "./player/sign_in.tsx";
import { Streaks } from "./player/streaks.tsx";
import { Trades } from "./player/trades.tsx";
import { useTravel } from "./player/travel.tsx";

/** `progress` is the game profile; null before the first XP. */
interface PartProps { user: string; progress: Row | null; loaded: boolean }

const PARTS: readonly { name: string; title: string; Part: ComponentType<PartProps> }[] = [
  { name: "trading", title: "Trading", Part: Trading },
  { name: "progress", title: "Progress", Part: Progress },
  { name: "history", title: "History", Part: History },
];
const PART = "part";

export function Player() {
  const id = user.value;
  return id ? <Signed key={id} user={id} /> : <SignIn />;
}

function Signed({ user: id }: { user: string }) {
  const account = useAccount();
  const table = useFeed("progress", { user: id }, () => new Table((row) => row.user_id));
  table.version.value;
  const progress = table.byKey.get(id) ?? null;
  const chosen = choice(PART, "trading", PARTS.map(({ name }) => name));
  const { Part } = PARTS.find(({ name }) => name === chosen) ?? PARTS[0]!;
  return (
    <>
      <h1 title={id}>{account?.username ?? "You"}</h1>
      <Glance progress={progress} />
      <SubViews name={PART} label="Parts of your page" chosen={chosen} parts={PARTS} />
      <Part user={id} progress={progress} loaded={table.loaded.value} />
    </>
  );
}

function Trading({ user: id, progress }: PartProps) {
  const prices = usePrices();
  const travel = useTravel(id);
  return (
    <div class="grid">
      <Order travel={travel} prices={prices} ownLeverage={progress?.max_leverage ?? null} />
      <OpenTrades travel={travel} prices={prices} />
      <Portfolio />
      <Positions prices={prices} />
      <Equity user={id} />
    </div>
  );
}

function Progress({ progress, loaded }: PartProps) {
  return (
    <div class="pair">
      <div class="stack">
        <Streaks progress={progress} />
        <Rewards />
      </div>
      <div class="stack">
        <Achievements progress={progress} loaded={loaded} />
        <Constellation id={progress?.constellation ?? null} />
      </div>
    </div>
  );
}

function History({ user: id }: PartProps) {
  return (
    <div class="pair">
      <Trades user={id} />
      <Ledger user={id} />
    </div>
  );
}
