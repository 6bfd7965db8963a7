// Fees, revenue, what the chain says of them, and for moderators the withdrawals that wait for them.

import { useAccount, isStaff } from "../data/account.ts";
import { user } from "../data/session.ts";
import { ChainFees } from "./money/chain_fees.tsx";
import { FeesByDay } from "./money/fees_by_day.tsx";
import { Revenue } from "./money/revenue.tsx";
import { Reviews } from "./money/reviews.tsx";

export function Money() {
  return (
    <>
      <h1>Money</h1>
      <div class="pair">
        <FeesByDay />
        <div class="stack">
          <ChainFees />
          <Revenue />
          {user.value && <ForStaff />}
        </div>
      </div>
    </>
  );
}

function ForStaff() {
  return isStaff(useAccount()) ? <Reviews /> : null;
}
