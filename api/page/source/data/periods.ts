// The periods of boards, in UTC, as the API names them.

export type Period = "all" | "day" | "week" | "month" | "season";

const DAY_MS = 86_400_000;

/** Return the name of the period of a kind in which a day lies, such as `week:2026-W48`. */
export function periodOf(kind: Period, day: string): string {
  if (kind === "all" || !day) return "all";
  const date = new Date(`${day}T00:00:00Z`);
  const names = {
    day,
    week: isoWeek(date),
    month: day.slice(0, 7),
    season: `${day.slice(0, 4)}-Q${Math.floor(date.getUTCMonth() / 3) + 1}`,
  };
  return `${kind}:${names[kind]}`;
}

/** Return when the period of a kind ends in which a day lies. */
export function endOf(kind: Exclude<Period, "all">, day: string): string {
  const date = new Date(`${day}T00:00:00Z`);
  const [year, month, number] = [date.getUTCFullYear(), date.getUTCMonth(), date.getUTCDate()];
  const ends = {
    day: Date.UTC(year, month, number + 1),
    week: Date.UTC(year, month, number + 8 - (date.getUTCDay() || 7)),
    month: Date.UTC(year, month + 1, 1),
    season: Date.UTC(year, Math.floor(month / 3) * 3 + 3, 1),
  };
  return new Date(ends[kind]).toISOString();
}

function isoWeek(date: Date): string {
  const thursday = new Date(date);
  thursday.setUTCDate(date.getUTCDate() + 4 - (date.getUTCDay() || 7));
  const year = thursday.getUTCFullYear();
  const week = Math.ceil(((thursday.getTime() - Date.UTC(year, 0, 1)) / DAY_MS + 1) / 7);
  return `${year}-W${String(week).padStart(2, "0")}`;
}
