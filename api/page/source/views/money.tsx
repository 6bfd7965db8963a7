// Fees, revenue, what the chain says of them, and for moderators the ledger and the withdrawals that wait for them.

import { useAccount, isStaff } from "../data/account.ts";
import { useFeed } from "../data/follow.ts";
import { Table } from "../data/rows.ts";
import { user } from "../data/session.ts";
import { ChainFees, keyOf } from "./money/chain_fees.tsx";
import { ChainProcesses } from "./money/chain_processes.tsx";
import { FeesByDay } from "./money/fees_by_day.tsx";
import { FeesByHour } from "./money/fees_by_hour.tsx";
import { Ledger } from "./money/ledger.tsx";
import { PlanUsers } from "./money/plan_users.tsx";
import { Reconciliation } from "./money/reconciliation.tsx";
import { Revenue } from "./money/revenue.tsx";
import { Reviews } from "./money/reviews.tsx";

export function Money() {
  return user.value ? <OfUser key={user.value} /> : <Panels isOfStaff={false} />;
}

const OfUser = () => <Panels isOfStaff={isStaff(useAccount())} />;

function Panels({ isOfStaff }: { isOfStaff: boolean }) {
  const chain = useFeed("chain-fees", {}, () => new Table(keyOf));
  return (
    <>
      <h1>Money</h1>
      <div class="pair">
        <div class="stack">
          {isOfStaff && <Reviews />}
          <FeesByHour />
          <FeesByDay />
        </div>
        <div class="stack">
          {isOfStaff && <Ledger />}
          {isOfStaff && <ChainProcesses />}
          <Reconciliation chain={chain} />
          <ChainFees chain={chain} />
          <Revenue />
          <PlanUsers />
        </div>
      </div>
    </>
  );
}
