// What ranks earn, by the rules.

import type { RewardRule } from "./rules.ts";

/** Return the ranges of ranks in which each rule gives the same, from the first rank on: first and last rank. */
export function bandsOf(rules: readonly RewardRule[]): [number, number][] {
  const ends = [...new Set(rules.flatMap((rule) => rule.bands.map(({ to }) => to)))].sort((a, b) => a - b);
  return ends.map((to, at) => [(ends[at - 1] ?? 0) + 1, to]);
}

/** Return the shards of a rank; 0 for none. */
export const shardsOf = (rule: RewardRule, rank: number): number => rule.bands.find(({ to }) => rank <= to)?.ss ?? 0;
