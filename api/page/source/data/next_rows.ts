// The next rows of a query that is answered by pages. A page may be empty although older ones are not.

export interface Page<R> { rows: R[]; cursor: string | null }

const PAGES_MAX = 5;

/** Read on until there are rows, or no more pages, or `PAGES_MAX` of them were empty. */
export async function nextRows<R>(ask: (cursor: string | null) => Promise<Page<R>>, cursor: string | null): Promise<Page<R>> {
  let page = await ask(cursor);
  for (let read = 1; read < PAGES_MAX && page.rows.length === 0 && page.cursor !== null; read += 1) page = await ask(page.cursor);
  return page;
}
