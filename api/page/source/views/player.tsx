// What a player sees of themselves. It asks for a sign-in first.

import { useAccount } from "../data/account.ts";
import { user } from "../data/session.ts";
import { Order } from "./player/order.tsx";
import { Money } from "./player/money.tsx";
import { OpenTrades, Positions } from "./player/positions.tsx";
import { Progress } from "./player/progress.tsx";
import { SignIn } from "./player/sign_in.tsx";

export function Player() {
  const id = user.value;
  return id ? <Signed key={id} user={id} /> : <SignIn />;
}

function Signed({ user: id }: { user: string }) {
  const account = useAccount();
  return (
    <>
      <h1 title={id}>{account?.username ?? "You"}</h1>
      <div class="grid">
        <Progress user={id} />
        <Order user={id} />
        <Money />
        <OpenTrades />
        <Positions />
      </div>
    </>
  );
}
