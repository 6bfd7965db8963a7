// The sentences of notifications and of feeds of what users did, by the keys that the API sends. `{name}` is a gap.

import { decimal } from "./format.ts";
import { titleOf } from "./progress.ts";

const TEXTS: Record<string, string> = {
  "level_up": "You reached level {level}, with leverage up to {max_leverage}",
  "achievement": "Achievement: {achievement}, with {xp} XP and {ss} shards",
  "reward_granted": "Rank {rank} on the board {board} of {period} earned {ss} shards. Claim them",
  "reward_expiring": "Your reward of {ss} shards for rank {rank} on the board {board} of {period} expires soon",
  "streak_breaking": "Your {streak} streak of {days} days ends today unless you continue it",
  "overtaken": "You were overtaken on the board {board} of {period}, where you had rank {before}",
  "follow": "{actor} follows you",
  "endorsement": "{actor} endorses you",
  "battle_challenge": "{challenger} challenges {name} to a battle",
  "battle_started": "A battle of your constellation begins",
  "battle_won": "Your constellation won a battle. Your prize: {prize_ss} shards",
  "battle_lost": "Your constellation lost a battle. Your prize: {prize_ss} shards",
  "battle_tied": "Your constellation's battle ended in a tie. Your prize: {prize_ss} shards",
  "constellation_joined": "{member} joined {name}",
  "constellation_level_up": "{name} reached level {level}",
  "nft_sold": "Your token {token_id} was sold for {price} {asset}",
  "nft_expired": "Nobody bought your token {token_id} in time",
  "order_rejected.OpenTrade": "An order for {market} was rejected: {reason}",
  "order_rejected.CloseTrade": "A trade was not closed: {reason}",
  "liquidation": "Your trade of {market} was liquidated, with {pnl_usd} USD",
  "risk_alert.medium": "A trade of yours is at risk. Its margin: {margin_usd} USD",
  "risk_alert.high": "A trade of yours is about to be liquidated. Its margin: {margin_usd} USD",
  "withdrawal_approved": "Your withdrawal of {amount} {asset} was approved",
  "withdrawal_paid": "Your withdrawal of {amount} {asset} was paid",
  "withdrawal_rejected": "Your withdrawal of {amount} {asset} was rejected",
  "plan_renewed": "Your plan {plan} goes on",
  "plan_failed": "Your plan {plan} ended, because it could not be paid",
  "account_suspended": "Your account is suspended",
  "account_closed": "Your account is closed",
  "feed.level_up": "reached level {level}",
  "feed.achievement": "earned the achievement {achievement}",
  "feed.prestige": "has {tier} prestige now",
  "feed.nft": "owns the token {type}",
  "feed.constellation_founded": "founded {name}",
  "feed.constellation_joined": "joined {name}",
  "feed.battle_won": "won a battle",
  "feed.battle_lost": "lost a battle",
  "feed.battle_tied": "fought a battle that ended in a tie",
  "feed.content": "shared something on {platform}",
};

const NUMBERS: ReadonlySet<string> = new Set(["xp", "ss", "prize_ss", "price", "amount", "pnl_usd", "margin_usd"]);

/** Return the sentence of a key, with its gaps filled. A key of a later release stands for itself. */
export function sentence(key: string, values: Record<string, string>): string {
  return (TEXTS[key] ?? key).replaceAll(/\{(\w+)\}/g, (_, name: string) => shown(name, values[name] ?? ""));
}

function shown(name: string, value: string): string {
  if (NUMBERS.has(name)) return decimal(value);
  if (name === "achievement") return titleOf(value, decimal);
  return ["reason", "type"].includes(name) ? words(value) : value;
}

/** Return a name of the API, such as `trades-10`, as words. */
export const words = (name: string): string => name.replaceAll(/[-_]/g, " ");
