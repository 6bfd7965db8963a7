// The answer of a query, while a component shows it.

import { useEffect, useState } from "preact/hooks";

import { get } from "./api.ts";
import { token, user } from "./session.ts";

export interface Answer<T> {
  data: T | null;
  error: unknown;
  /** Ask again. What was answered stays until then, but not an error. */
  again: () => void;
}

/** Ask a query when the component appears and when the query changes; ask nothing without a path. */
export function useQuery<T>(path: string | null, query: Record<string, string> = {}, isPrivate = false, headers: Record<string, string> = {}): Answer<T> {
  const key = JSON.stringify([path, query, headers, isPrivate && user.value]);
  const [answer, setAnswer] = useState<{ data: T | null; error: unknown; key: string }>({ data: null, error: null, key });
  const [turn, setTurn] = useState(0);
  useEffect(() => {
    if (path === null) return;
    let isOurs = true;
    const asked = isPrivate ? token() : Promise.resolve(null);
    asked.then((bearer) => get<T>(path, query, bearer, headers)).then(
      (data) => { if (isOurs) setAnswer({ data, error: null, key }); },
      (error: unknown) => { if (isOurs) setAnswer({ data: null, error, key }); },
    );
    return () => { isOurs = false; };
  }, [key, turn]);
  const again = () => {
    setAnswer((known) => (known.error === null ? known : { ...known, error: null }));
    setTurn((before) => before + 1);
  };
  return answer.key === key ? { data: answer.data, error: answer.error, again } : { data: null, error: null, again };
}
