// A query that is asked again and again while a component shows it and the page is visible.

import { useEffect, useState } from "preact/hooks";

import { get } from "./api.ts";
import { askAgain, type Asked, NOTHING } from "./asking.ts";
import { token, user } from "./session.ts";

export function usePoll<T>(path: string, everyMs: number, isPrivate = false): Asked<T> {
  const key = JSON.stringify([path, isPrivate && user.value]);
  const [polled, setPolled] = useState<{ asked: Asked<T>; key: string }>({ asked: NOTHING, key });
  useEffect(() => {
    const ask = async () => get<T>(path, {}, isPrivate ? await token() : null);
    return askAgain(ask, everyMs, (asked) => setPolled({ asked, key }), () => !document.hidden);
  }, [key]);
  return polled.key === key ? polled.asked : NOTHING;
}
