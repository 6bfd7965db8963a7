// A question that is asked again and again: what was answered last, and whether the newest question failed.

export interface Asked<T> {
  data: T | null;
  /** When the data came, in milliseconds since 1970; 0 without data. */
  at: number;
  /** The answer before, and how many seconds earlier it came. */
  before: { data: T; seconds: number } | null;
  /** Why the newest question failed; null when it did not. */
  error: unknown;
}

export const NOTHING: Asked<never> = { data: null, at: 0, before: null, error: null };

/** Ask at once and then every so often, and tell what is known, until the returned function is called. One question is open at a time. */
export function askAgain<T>(ask: () => Promise<T>, everyMs: number, tell: (asked: Asked<T>) => void, isWanted: () => boolean = () => true): () => void {
  let known: Asked<T> = NOTHING;
  let isOpen = false;
  let isOver = false;
  const took = (data: T): Asked<T> => {
    const at = Date.now();
    return { data, at, before: known.data === null ? null : { data: known.data, seconds: (at - known.at) / 1000 }, error: null };
  };
  const turn = async () => {
    if (isOpen || !isWanted()) return;
    isOpen = true;
    known = await ask().then(took, (error: unknown) => ({ ...known, error }));
    isOpen = false;
    if (!isOver) tell(known);
  };
  void turn();
  const timer = setInterval(() => void turn(), everyMs);
  return () => { isOver = true; clearInterval(timer); };
}
