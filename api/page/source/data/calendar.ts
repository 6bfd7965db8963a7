// A calendar of days in weeks, from Monday to Sunday, in UTC.

const DAY_MS = 86_400_000;
const WEEK = 7;

const nameOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);

/** Return the last weeks up to a day, each with its seven days; null for the days after it. */
export function weeksUpTo(last: string, count: number): (string | null)[][] {
  const end = Date.parse(last);
  const monday = end - ((new Date(end).getUTCDay() + WEEK - 1) % WEEK) * DAY_MS;
  return Array.from({ length: count }, (_, week) => {
    const begin = monday - (count - 1 - week) * WEEK * DAY_MS;
    return Array.from({ length: WEEK }, (_, day) => (begin + day * DAY_MS <= end ? nameOf(begin + day * DAY_MS) : null));
  });
}
