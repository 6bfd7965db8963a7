// A clock that counts down: to the beginning of a span, then to its end.

import { useEffect, useState } from "preact/hooks";

/** Without a beginning the span has begun. */
export function Countdown({ from, until }: { from?: string; until: string }) {
  const [now, setNow] = useState(Date.now());
  useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, []);
  const isAhead = from !== undefined && Date.parse(from) > now;
  const next = isAhead ? from : until;
  const seconds = Math.max(0, Math.floor((Date.parse(next) - now) / 1000));
  const two = (value: number) => String(value).padStart(2, "0");
  const clock = `${two(Math.floor(seconds / 3600) % 24)}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`;
  const days = Math.floor(seconds / 86_400);
  return <time dateTime={next} role="timer">{isAhead && "begins in "}{days > 0 && `${days} d `}{clock}{!isAhead && " left"}</time>;
}
