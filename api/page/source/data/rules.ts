// The rules in force, as the API shows them.

import { useQuery } from "./query.ts";

export interface AchievementRule { name: string; kind: string; at: number; tier: number; xp: number; ss: number }
export interface RewardRule { scope: string; board: string; period: string; bands: { to: number; ss: number }[] }
export interface Rules {
  markets: Record<string, number>;
  levels: { xp_unit: number; level_max: number; leverage_first: number; leverage_step: number; leverage_max: number };
  achievements: AchievementRule[];
  win_rate_closes_min: number;
  rewards: RewardRule[];
  claim_days: number;
  late_grace_h: number;
  /** The fee of opening a practice trade, in millionths of its notional. */
  fee_ppm: number;
  practice_balance_usd: string;
}

/** Return the rules; null before they are known. */
export const useRules = (): Rules | null => useQuery<Rules>("/v1/rules").data;
