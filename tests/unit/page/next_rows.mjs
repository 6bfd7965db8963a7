// Read pages, most of them empty. Print the rows, the cursor, and how many pages were read for each.
const { nextRows } = await import(process.argv[2]);
async function told(pages, from) {
  let read = 0;
  const ask = async (cursor) => { read += 1; return pages[Number(cursor ?? 0)]; };
  const page = await nextRows(ask, from);
  return [page.rows, page.cursor, read];
}
const empty = (count) => Array.from({ length: count }, (_, at) => ({ rows: [], cursor: String(at + 1) }));
console.log(JSON.stringify({
  first: await told([{ rows: [1], cursor: "1" }], null),
  behind: await told([...empty(2), { rows: [7], cursor: "3" }], null),
  older: await told([...empty(3), { rows: [8], cursor: null }], "2"),
  none: await told([...empty(2), { rows: [], cursor: null }], null),
  far: await told(empty(50), null),
}));
