// A query that is answered by pages, each of which names the cursor of the next one.

import { useEffect, useRef, useState } from "preact/hooks";

import { get } from "./api.ts";
import { token } from "./session.ts";

export interface Pages<R> {
  rows: R[];
  loaded: boolean;
  error: unknown;
  /** Loads the next page; null when there is none. */
  more: (() => Promise<void>) | null;
}

interface State<R> { rows: R[]; cursor: string | null; loaded: boolean; error: unknown }

/** Ask for the first page of what belongs to whoever is signed in; `items` names the rows in an answer. */
export function usePages<R>(path: string, items: string, limit: number): Pages<R> {
  const [state, setState] = useState<State<R>>({ rows: [], cursor: null, loaded: false, error: null });
  const shown = useRef(path);
  const isBusy = useRef(false);
  shown.current = path;
  const load = async (rows: R[], cursor: string | null) => {
    if (isBusy.current && cursor !== null) return; // a second click
    isBusy.current = true;
    try {
      const answer = await get<Record<string, any>>(path, { limit: String(limit), ...(cursor ? { cursor } : {}) }, await token());
      if (shown.current === path) setState({ rows: [...rows, ...answer[items]], cursor: answer.next_cursor, loaded: true, error: null });
    } catch (error) {
      setState((known) => ({ ...known, error }));
    } finally {
      isBusy.current = false;
    }
  };
  useEffect(() => { void load([], null); }, [path]);
  return { ...state, more: state.cursor === null ? null : () => load(state.rows, state.cursor) };
}
