// The events of a chain as trees: each event below its cause. What to say where a cause is not known. No markup.

import type { PlacedEvent } from "./answers.ts";

/** How many levels a tree has, so that narrow windows show it. The effects of events on the last level are there, too. */
export const LEVELS_MAX = 10;

export interface Branch { placed: PlacedEvent; effects: Branch[] }

/** Join events to trees by their causes. An event whose cause is not among them is a root. */
export function treesOf(events: readonly PlacedEvent[]): { roots: Branch[]; isDeeper: boolean } {
  const effects = byCause(events);
  const roots: Branch[] = [];
  let isDeeper = false;
  const waiting: { placed: PlacedEvent; into: Branch[]; level: number }[] = [];
  const push = (cause: string, into: Branch[], level: number) => {
    for (const placed of (effects.get(cause) ?? []).toReversed()) waiting.push({ placed, into, level });
  };
  push("", roots, 1);
  for (let next = waiting.pop(); next; next = waiting.pop()) {
    const branch: Branch = { placed: next.placed, effects: [] };
    next.into.push(branch);
    const { id } = next.placed.event;
    const isLast = next.level === LEVELS_MAX;
    isDeeper ||= isLast && effects.has(id);
    push(id, isLast ? next.into : branch.effects, isLast ? next.level : next.level + 1);
  }
  return { roots, isDeeper };
}

/** Return why the last cause of an event is not shown. A search that stopped cannot say that the log does not have it. */
export const lostText = (cut: readonly string[]): string =>
  cut.length === 0 ? "which is not in the log any more" : "which was not found before the search stopped";

/** Return the events by the ids of their causes; roots by the empty text. */
function byCause(events: readonly PlacedEvent[]): Map<string, PlacedEvent[]> {
  const known = new Set(events.map(({ event }) => event.id));
  const found = new Map<string, PlacedEvent[]>();
  for (const placed of events) {
    const { id, causationid } = placed.event;
    const cause = causationid && causationid !== id && known.has(causationid) ? causationid : "";
    const others = found.get(cause);
    if (others) others.push(placed);
    else found.set(cause, [placed]);
  }
  return found;
}
