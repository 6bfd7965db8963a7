// Says whether what the page shows is live, and else how old it is.

import { useEffect, useState } from "preact/hooks";

import { connection, heardAt } from "../data/follow.ts";
import { age } from "../data/format.ts";

const TEXTS = {
  live: "live",
  connecting: "connecting",
  stalled: "the broker is away",
  lost: "connection lost, trying again",
};

export function ConnectionState() {
  const state = connection.value;
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    if (state === "live") return;
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [state]);
  const isOld = state !== "live" && heardAt.value > 0;
  return (
    <p class="connection" data-state={state}>
      <span role="status">{TEXTS[state]}</span>
      {isOld && <span class="soft">, as of {age(heardAt.value, now)}</span>}
    </p>
  );
}
