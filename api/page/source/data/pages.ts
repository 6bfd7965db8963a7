// A query that is answered by pages, each of which names the cursor of the next one.

import { useEffect, useRef, useState } from "preact/hooks";

import { get } from "./api.ts";
import { nextRows } from "./next_rows.ts";
import { token } from "./session.ts";

export interface Pages<R> {
  rows: R[];
  loaded: boolean;
  error: unknown;
  /** Loads the next page, or again the one that failed; null when there is none. */
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
    const ask = async (at: string | null) => {
      const answer = await get<Record<string, any>>(path, { limit: String(limit), ...(at ? { cursor: at } : {}) }, await token());
      return { rows: answer[items] as R[], cursor: answer.next_cursor as string | null };
    };
    try {
      const page = await nextRows(ask, cursor);
      if (shown.current === path) setState({ rows: [...rows, ...page.rows], cursor: page.cursor, loaded: true, error: null });
    } catch (error) {
      if (shown.current === path) setState((known) => ({ ...known, error }));
    } finally {
      isBusy.current = false;
    }
  };
  useEffect(() => { void load([], null); }, [path]);
  return { ...state, more: state.cursor === null && state.error === null ? null : () => load(state.rows, state.cursor) };
}
