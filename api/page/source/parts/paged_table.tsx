// A table that grows by a page at the reader's wish.

import type { Pages } from "../data/pages.ts";
import { Fault } from "./fault.tsx";
import { type Column, RowsTable } from "./rows_table.tsx";

export function PagedTable<R>(props: { label: string; pages: Pages<R>; keyOf: (row: R) => string; columns: readonly Column<R>[]; empty: string }) {
  const { rows, loaded, error, more } = props.pages;
  return (
    <>
      {(loaded || error === null) && (
        <RowsTable label={props.label} rows={rows} keyOf={props.keyOf} columns={props.columns} loaded={loaded} empty={more ? "None among the newest records." : props.empty} />
      )}
      {error === null ? more && <button type="button" class="more" onClick={() => void more()}>Show older</button> : <Fault error={error} {...(more ? { again: () => void more() } : {})} />}
    </>
  );
}
