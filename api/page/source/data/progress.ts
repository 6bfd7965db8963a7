// What a player has, and what is missing to the next level and the next achievements, by the rules.

import type { Row } from "./feeds.ts";
import type { AchievementRule, Rules } from "./rules.ts";

const PERCENT = 100;
const RATING_UNIT = 1_000_000;

/** Where a level lies: the XP at which it begins, and at which the next one does; null at the highest level. */
export interface Level { from: number; to: number | null }

export function levelOf(level: number, { xp_unit, level_max }: Rules["levels"]): Level {
  const begin = (number: number) => xp_unit * (number - 1) ** 2;
  return { from: begin(level), to: level < level_max ? begin(level + 1) : null };
}

/** Return what a player has of the kind that an achievement counts. */
export function measureOf(kind: string, row: Row, closesMin: number): number {
  switch (kind) {
    case "trades": return row.trades;
    case "profitable_close": return row.wins;
    case "single_trade": return Number(String(row.largest_trade_usd).split(".")[0]);
    case "trading_streak": return row.streaks.trading?.days ?? 0;
    case "level": return row.level;
    case "win_rate": return row.closes >= closesMin ? Math.floor((row.wins * PERCENT) / row.closes) : 0;
    case "social_rating": return Math.floor((row.social_rating_ppm ?? 0) / RATING_UNIT);
    case "constellation_founder": return row.founded ? 1 : 0;
    case "battle_win": return row.battle_wins;
    default: return 0;
  }
}

export interface Next { rule: AchievementRule; has: number }

/** Return the next achievement of each kind, and what the player has of it. */
export function nextOf(row: Row, rules: Rules): Next[] {
  const earned = new Set<string>(row.achievements.map((one: { name: string }) => one.name));
  const kinds = new Set<string>();
  const next: Next[] = [];
  for (const rule of rules.achievements) {
    if (earned.has(rule.name) || kinds.has(rule.kind)) continue;
    kinds.add(rule.kind);
    next.push({ rule, has: measureOf(rule.kind, row, rules.win_rate_closes_min) });
  }
  return next;
}

const TITLES: Record<string, (at: string) => string> = {
  trades: (at) => (at === "1" ? "First trade" : `${at} trades`),
  profitable_close: () => "First profitable close",
  single_trade: (at) => `One trade of ${at} USD`,
  trading_streak: (at) => `Trading on ${at} days in a row`,
  level: (at) => `Level ${at}`,
  win_rate: (at) => `Win rate of ${at} %`,
  social_rating: (at) => `Social rating of ${at}`,
  constellation_founder: () => "Founder of a constellation",
  battle_win: (at) => (at === "1" ? "First battle won" : `${at} battles won`),
};

/** Return the title of an achievement, such as of `trades-100`. `show` formats the number in it. */
export function titleOf(name: string, show: (at: number) => string = String): string {
  const [kind = "", at = ""] = name.split("-");
  return TITLES[kind]?.(show(Number(at))) ?? name.replaceAll(/[-_]/g, " ");
}
