// A value that changes only so often. A picture in each frame of the screen would drop frames, and nobody sees the difference.

import { useEffect, useRef, useState } from "preact/hooks";

/** Return the value, or an earlier one for at most so many milliseconds. Keep its identity while it is the same. */
export function useSteady<T>(value: T, everyMs: number): T {
  const [shown, setShown] = useState<T>(value);
  const latest = useRef(value);
  latest.current = value;
  const timer = useRef<ReturnType<typeof setTimeout> | null>(null);
  useEffect(() => {
    if (latest.current === shown || timer.current) return;
    timer.current = setTimeout(() => { timer.current = null; setShown(() => latest.current); }, everyMs);
  });
  useEffect(() => () => { if (timer.current) clearTimeout(timer.current); }, []);
  return shown;
}
