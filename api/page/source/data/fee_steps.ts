// Fees on their way from the ledger over the collector to the beneficiaries. Amounts are decimal text in USD.

import { parts, sum, textOfParts } from "./amounts.ts";
import type { Row } from "./feeds.ts";

const USD_DECIMALS = 8;
const TOKEN_DECIMALS = 6;

/** What has reached a step, what the step before holds back, and who holds it. */
export interface Step { name: string; amount: string; held: string | null; by: string }
/** Fees of one source in the ledger and on the chain. */
export interface Source { source: string; accrued: string; settled: string; held: string }
export interface FeeSteps {
  steps: Step[];
  sources: Source[];
  /** Whether a step, or a source on the chain, has more than the one before. */
  isBroken: boolean;
}

const text = (amount: bigint): string => textOfParts(amount, USD_DECIMALS);

/** Return an amount of the settlement token in the ledger's parts. */
const inParts = (units: string): bigint => BigInt(units) * 10n ** BigInt(USD_DECIMALS - TOKEN_DECIMALS);

/** Follow fees: `fees` are the ledger's totals by source, `facts` the totals of the fee contracts. */
export function feeSteps(fees: readonly Row[], facts: readonly Row[]): FeeSteps {
  const of = (total: string, name?: string) => sum(facts.filter((row) => row.total === total && (!name || row.name === name)).map((row) => inParts(row.accepted)));
  const accruedOf = (source: string) => sum(fees.filter((row) => row.source === source).map((row) => parts(row.amount, USD_DECIMALS)));
  const names = [...new Set([...fees.map((row) => row.source as string), ...facts.filter((row) => row.total === "settled").map((row) => row.name as string)])].sort();
  const bySource = names.map((source) => ({ source, accrued: accruedOf(source), settled: of("settled", source) }));
  const [accrued, settled, swept, distributed] = [sum(bySource.map((one) => one.accrued)), of("settled"), of("swept"), of("distributed")];
  const held = [accrued - settled, settled - swept, swept + of("surplus") - distributed]; // tokens that came in other ways are swept as surplus
  const [inLedger, inCollector, inSplitter] = held.map(text) as [string, string, string];
  return {
    steps: [
      { name: "accrued in the ledger", amount: text(accrued), held: null, by: "" },
      { name: "settled on the chain", amount: text(settled), held: inLedger, by: "the ledger" },
      { name: "swept to the splitter", amount: text(swept), held: inCollector, by: "the collector" },
      { name: "distributed", amount: text(distributed), held: inSplitter, by: "the splitter" },
    ],
    sources: bySource.map((one) => ({ source: one.source, accrued: text(one.accrued), settled: text(one.settled), held: text(one.accrued - one.settled) })),
    isBroken: [...held, ...bySource.map((one) => one.accrued - one.settled)].some((amount) => amount < 0n),
  };
}
