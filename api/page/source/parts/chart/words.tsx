// What a picture says, in words: the values under the pointer, a summary, and a table.

import type { Signal } from "@preact/signals";

import { type Column, columnsOf, extremesOf, type Series, type Value } from "../../data/drawing.ts";
import { decimal, utc } from "../../data/format.ts";
import { RowsTable } from "../rows_table.tsx";
import type { Times } from "./times.ts";

const textOf = (column: Column, value: Value | undefined): string =>
  value === null || value === undefined ? "–" : (column.show ?? decimal)(value);

/** Return a sentence about each series: its lowest, highest and last value. */
export function summaryOf(times: readonly number[], series: readonly Series[], names: Times): string {
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined) return "There is nothing to show.";
  const said = series.map((each) => {
    const columns = columnsOf(each);
    const column = columns.at(-1) as Column; // candles are told by their close
    const found = extremesOf(column.values);
    if (!found) return `${column.name}: nothing.`;
    const [lowest, highest, newest] = [found.lowest, found.highest, found.last].map((at) => textOf(column, column.values[at]));
    return `${column.name}: between ${lowest} and ${highest}, last ${newest}.`;
  });
  return `${names.name(first)} to ${names.name(last)}. ${said.join(" ")}`;
}

/** The values to which the reader points; the last ones otherwise. */
export function Legend(props: { times: readonly number[]; series: readonly Series[]; names: Times; at: Signal<number | null> }) {
  const pointed = props.at.value;
  const at = pointed !== null && pointed < props.times.length ? pointed : props.times.length - 1;
  const time = props.times[at];
  return (
    <ul class="legend" aria-hidden="true">
      <li>{time === undefined ? "" : props.names.name(time)}</li>
      {props.series.map((series) => (
        <li key={series.name}>
          {series.kind !== "candles" && <i data-colour={series.colour ?? "accent"} />}
          {columnsOf(series).map((column) => <span key={column.name}>{series.kind === "candles" ? column.name.replace(/^.*, /, "") : column.name} <b>{textOf(column, column.values[at])}</b> </span>)}
        </li>
      ))}
    </ul>
  );
}

function Moment({ second, names }: { second: number; names: Times }) {
  const time = new Date(second * 1000).toISOString();
  return <time dateTime={time} title={utc(time)}>{names.name(second)}</time>;
}

export function DataTable(props: { title: string; times: readonly number[]; series: readonly Series[]; names: Times }) {
  const columns = props.series.flatMap(columnsOf);
  const rows = props.times.map((time, at) => ({ time, at })).reverse();
  return (
    <RowsTable
      label={`${props.title}, as a table`} rows={rows} keyOf={(row) => String(row.time)} loaded empty="There is nothing to show."
      columns={[
        { title: "Time", show: (row) => <Moment second={row.time} names={props.names} /> },
        ...columns.map((column) => ({ title: column.name, show: (row: { at: number }) => textOf(column, column.values[row.at]), isNumber: true })),
      ]}
    />
  );
}
