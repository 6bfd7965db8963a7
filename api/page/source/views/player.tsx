// What a player sees of themselves. It asks for a sign-in first.

import { user } from "../data/session.ts";
import { Order } from "./player/order.tsx";
import { Money } from "./player/money.tsx";
import { OpenTrades, Positions } from "./player/positions.tsx";
import { Progress } from "./player/progress.tsx";
import { SignIn } from "./player/sign_in.tsx";

export function Player() {
  const id = user.value;
  if (!id) return <SignIn />;
  return (
    <>
      <h1>{id}</h1>
      <div class="grid" key={id}>
        <Progress user={id} />
        <Order user={id} />
        <Money />
        <OpenTrades />
        <Positions />
      </div>
    </>
  );
}
