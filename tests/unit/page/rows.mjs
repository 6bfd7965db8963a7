// Give a table the rows of a snapshot and then a deleted one, and print which rows are left.
const { Table } = await import(process.argv[2]);

globalThis.requestAnimationFrame = (task) => task();
const left = (keyOf, deleted) => {
  const table = new Table(keyOf);
  table.fresh();
  table.rows([{ user_id: "ada", id: "1" }, { user_id: "bob", id: "2" }], { snapshot: true, removed: [] });
  table.rows([{ key: deleted, deleted: true }], { snapshot: false, removed: [] });
  return [...table.byKey.keys()];
};
console.log(JSON.stringify([left((row) => `${row.user_id}|${row.id}`, "ada|1"), left(() => "own", "ada")]));
