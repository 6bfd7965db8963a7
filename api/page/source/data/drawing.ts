// Numbers for pictures. Amounts are decimal text; only here do they become floating-point numbers, to be drawn.

/** Decimal text or an integer; null where there is nothing. */
export type Value = string | number | null;

interface Named { name: string; colour?: Colour | undefined; show?: ((value: string | number) => string) | undefined }
export interface Line extends Named { kind: "line"; values: readonly Value[] }
/** Bars. Low ones are drawn in the lowest fifth, without an axis, such as the volume below candles. */
export interface Bars extends Named { kind: "bars"; values: readonly Value[]; isLow?: boolean }
export interface Candles extends Named {
  kind: "candles";
  open: readonly Value[];
  high: readonly Value[];
  low: readonly Value[];
  close: readonly Value[];
}
export type Series = Line | Bars | Candles;
export type Colour = "accent" | "up" | "down" | "warn" | "soft" | "other";

/** A column of the table that says the same as the picture. */
export interface Column { name: string; values: readonly Value[]; show?: Named["show"] }

/** Return the columns of a series: one, or the four of candles. */
export function columnsOf(series: Series): Column[] {
  const { show } = series;
  if (series.kind !== "candles") return [{ name: series.name, values: series.values, show }];
  return (["open", "high", "low", "close"] as const).map((part) => ({ name: `${series.name}, ${part}`, values: series[part], show }));
}

/** Return the arrays to draw, in the order of the columns. Stacked values stand on those of the series before. */
export function drawn(series: readonly Series[], isStacked = false): (number | null)[][] {
  const arrays = series.flatMap(columnsOf).map(({ values }) => values.map((value) => (value === null ? null : Number(value))));
  if (!isStacked) return arrays;
  let below: number[] = [];
  return arrays.map((values) => {
    const sums = values.map((value, at) => (below[at] ?? 0) + (value ?? 0));
    below = sums;
    return sums;
  });
}

/** Where a column is lowest, highest and last; null for a column without values. */
export interface Extremes { lowest: number; highest: number; last: number }

export function extremesOf(values: readonly Value[]): Extremes | null {
  let found: Extremes | null = null;
  const at = (index: number) => Number(values[index]);
  values.forEach((value, index) => {
    if (value === null) return;
    found ??= { lowest: index, highest: index, last: index };
    if (at(index) < at(found.lowest)) found.lowest = index;
    if (at(index) > at(found.highest)) found.highest = index;
    found.last = index;
  });
  return found;
}
