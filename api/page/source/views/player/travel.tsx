// Watch an order, or the close of a trade, travel: accepted, executed, XP, board, each with its time since then.

import { type Signal, useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";

import { get } from "../../data/api.ts";
import { feeds } from "../../data/follow.ts";
import type { Row } from "../../data/feeds.ts";
import { Journey, type Kind } from "../../data/journey.ts";
import { pathOf } from "../../data/paths.ts";
import { token } from "../../data/session.ts";

const BOARDS: Record<Kind, string> = { order: "trades", close: "pnl" };

export interface Travel {
  /** Begin to watch what is sent now. What was watched before is left. */
  begin: (kind: Kind) => Journey;
  now: Signal<Journey | null>;
}

export function useTravel(user: string): Travel {
  const now = useSignal<Journey | null>(null);
  useEffect(() => {
    const seen = (tell: (of: Journey, row: Row) => void) => ({
      fresh: () => {},
      rows: (rows: Row[], { snapshot }: { snapshot: boolean }) => {
        if (now.value && !snapshot) for (const row of rows) tell(now.value, row);
      },
    });
    const left = [
      feeds.follow("my-trades", { last: 1 }, seen((of, row) => of.traded(row))),
      feeds.follow("xp", { user, last: 1 }, seen((of, row) => of.gained(row))),
    ];
    return () => { for (const leave of left) leave(); };
  }, [user]);
  const begin = (kind: Kind) => (now.value = new Journey(kind, () => rankOf(user, BOARDS[kind])));
  return { begin, now };
}

async function rankOf(user: string, board: string): Promise<number | null> {
  const { rows } = await get<{ rows: Row[] }>(pathOf`/v1/leaderboards/${board}/ranks`, { period: "all", user }, await token());
  return rows[0]?.rank ?? null;
}

/** The steps of what was sent, if it is of this kind. The list is there before its first step, so that each is announced. */
export function Travelled({ kind, travel }: { kind: Kind; travel: Travel }) {
  const of = travel.now.value?.kind === kind ? travel.now.value : null;
  return (
    <ol class="lines travel" aria-label={`What became of the ${kind}`} aria-live="polite">
      {of?.steps.value.map((step, at) => (
        <li key={at}><span>{step.text}</span><span class="number soft">{Math.round(step.afterMs)} ms</span></li>
      ))}
    </ol>
  );
}
