// A calendar of the days on which a streak went on, as a table that a screen reader reads day by day.

import { useEffect, useRef } from "preact/hooks";

import type { Row } from "../../data/feeds.ts";
import { weeksUpTo } from "../../data/calendar.ts";
import { decimal } from "../../data/format.ts";
import { useWindows } from "../../data/windows.ts";
import { Choose } from "../../parts/choose.tsx";
import { Panel } from "../../parts/panel.tsx";
import { choice } from "../../shell/router.ts";

const WEEKS = 26;
const DAYS = WEEKS * 7;
const KINDS = [["trading", "Trading"], ["login", "Sign-in"], ["social", "Social"]] as const;
const STRONG = 3; // from so many days in a row on, a day has the full colour
const locale = navigator.language;
const named = (options: Intl.DateTimeFormatOptions) => new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options });
const [dates, months, weekdays] = [named({ dateStyle: "medium" }), named({ month: "short" }), named({ weekday: "short" })];

export function Streaks({ progress }: { progress: Row | null }) {
  const kind = choice("streak", "trading", KINDS.map(([value]) => value));
  const { rows, loaded } = useWindows("days", {}, DAYS);
  const byDay = new Map(rows.map((row) => [row.day as string, row]));
  const today = new Date().toISOString().slice(0, 10);
  const newest = rows.at(-1)?.day ?? today; // after a replay of old trades, the calendar ends with these
  const weeks = weeksUpTo(newest, WEEKS);
  const counted = rows.filter((row) => row.streaks[kind]).length;
  const newestWeek = useRef<HTMLDivElement>(null);
  useEffect(() => newestWeek.current?.scrollTo({ left: newestWeek.current.scrollWidth }), [newest]);
  const streak = progress?.streaks[kind] ?? { days: 0, best: 0 };
  return (
    <Panel title="Streaks">
      <form onSubmit={(event) => event.preventDefault()}><Choose name="streak" label="Streak" options={KINDS} /></form>
      <p>
        {decimal(streak.days)} {streak.days === 1 ? "day" : "days"} in a row, {decimal(streak.best)} at best.{" "}
        <span class="soft">{loaded ? `Counted on ${decimal(counted)} ${counted === 1 ? "day" : "days"} of these ${WEEKS} weeks, in UTC.` : "Loading…"}</span>
      </p>
      <div class="scroll" ref={newestWeek} tabIndex={0} role="region" aria-label="Calendar of the streak">
        <table class="calendar">
          <caption class="hidden">Days on which the streak went on, a column for each week</caption>
          <thead>
            <tr>
              <td />
              {weeks.map((week, at) => <th key={week[0]} scope="col"><span>{monthOf(week, weeks[at - 1])}</span><span class="hidden">week of {dates.format(new Date(week[0]!))}</span></th>)}
            </tr>
          </thead>
          <tbody>
            {weeks[0]!.map((first, weekday) => (
              <tr key={weekday}>
                <th scope="row">{weekdays.format(new Date(first!))}</th>
                {weeks.map((week) => <Day key={week[weekday] ?? "later"} day={week[weekday] ?? null} row={byDay.get(week[weekday] ?? "")} kind={kind} />)}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Panel>
  );
}

/** Return the name of a month above the week that begins it. */
function monthOf(week: (string | null)[], before: (string | null)[] | undefined): string {
  const [now, then] = [week[0]!, before?.[0]].map((day) => (day ? months.format(new Date(day)) : ""));
  return now === then ? "" : now ?? "";
}

function Day({ day, row, kind }: { day: string | null; row: Row | undefined; kind: string }) {
  if (day === null) return <td />;
  const length: number = row?.streaks[kind] ?? 0;
  const what = length ? `day ${decimal(length)} of the streak` : row ? "active, and no streak" : "nothing";
  const text = `${dates.format(new Date(day))}: ${what}${row?.xp ? `, ${decimal(row.xp)} XP` : ""}`;
  const level = length ? Math.min(length, STRONG) : row ? "other" : "none";
  return <td class="day" data-level={level} title={text}><span class="hidden">{text}</span></td>;
}
