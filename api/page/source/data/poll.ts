// A query that is asked again and again while a component shows it and the page is visible.

import { useEffect, useState } from "preact/hooks";

import { get } from "./api.ts";
import { token } from "./session.ts";

export interface Polled<T> {
  data: T | null;
  /** The answer before, and how many seconds earlier it came. */
  before: { data: T; seconds: number } | null;
  error: unknown;
}

export function usePoll<T>(path: string, everyMs: number, isPrivate = false): Polled<T> {
  const [polled, setPolled] = useState<Polled<T>>({ data: null, before: null, error: null });
  useEffect(() => {
    let last: { data: T; at: number } | null = null;
    let isOurs = true;
    const ask = async () => {
      if (document.hidden) return;
      try {
        const data = await get<T>(path, {}, isPrivate ? await token() : null);
        const at = performance.now();
        const before = last && { data: last.data, seconds: (at - last.at) / 1000 };
        last = { data, at };
        if (isOurs) setPolled({ data, before, error: null });
      } catch (error) {
        if (isOurs) setPolled((known) => ({ ...known, error }));
      }
    };
    void ask();
    const timer = setInterval(() => void ask(), everyMs);
    return () => { isOurs = false; clearInterval(timer); };
  }, [path]);
  return polled;
}
