// A table of rows: columns by their titles, and a text where there are none.

import type { ComponentChildren } from "preact";

import { Empty } from "./panel.tsx";

export interface Column<R> {
  title: string;
  show: (row: R) => ComponentChildren;
  isNumber?: boolean;
}

export function RowsTable<R>(props: { label: string; rows: readonly R[]; keyOf: (row: R) => string; columns: readonly Column<R>[]; loaded: boolean; empty: string }) {
  if (props.rows.length === 0) return <Empty loaded={props.loaded}>{props.empty}</Empty>;
  const kindOf = (column: Column<R>) => (column.isNumber ? "number" : "");
  return (
    <div class="scroll" tabIndex={0} role="group" aria-label={props.label}>
      <table>
        <thead>
          <tr>{props.columns.map((column) => <th key={column.title} scope="col" class={kindOf(column)}>{column.title}</th>)}</tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <tr key={props.keyOf(row)}>
              {props.columns.map((column) => <td key={column.title} class={kindOf(column)}>{column.show(row)}</td>)}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
