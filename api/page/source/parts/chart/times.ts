// Times below a picture, in the reader's zone, or the days of UTC.

const locale = navigator.language;
const DAY_S = 86_400;
const MONTH_S = 28 * DAY_S;

/** Days begin at midnight UTC, so their names are those of UTC; other times are the reader's. */
const zoned = (isDays: boolean) => (isDays ? { timeZone: "UTC" } : {});

export interface Times {
  /** Return the name of a moment, in seconds since 1970. */
  name: (second: number) => string;
  /** Return short names of the moments along an axis, which are `apart` seconds apart. */
  along: (seconds: readonly number[], apart: number) => string[];
}

export function timesOf(isDays: boolean): Times {
  const zone = zoned(isDays);
  const full = new Intl.DateTimeFormat(locale, isDays ? { dateStyle: "medium", ...zone } : { dateStyle: "short", timeStyle: "short" });
  const clock = new Intl.DateTimeFormat(locale, { hour: "numeric", minute: "2-digit", ...zone });
  const day = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short", ...zone });
  const month = new Intl.DateTimeFormat(locale, { month: "short", year: "numeric", ...zone });
  return {
    name: (second) => full.format(second * 1000),
    along: (seconds, apart) => {
      const fine = apart >= MONTH_S ? month : apart >= DAY_S ? day : clock;
      let before = "";
      return seconds.map((second) => {
        if (fine !== clock) return fine.format(second * 1000);
        const date = day.format(second * 1000); // an axis of hours names the day where it changes
        const text = date === before ? clock.format(second * 1000) : `${clock.format(second * 1000)}\n${date}`;
        before = date;
        return text;
      });
    },
  };
}
