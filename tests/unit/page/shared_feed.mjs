// Let components read the same and other feeds. Print which feeds are followed after each step, and what a second reader has at once.
const { Shared } = await import(process.argv[2]);
const followed = [];
const shared = new Shared((name, query, rows) => {
  const one = `${name} ${JSON.stringify(query)}`;
  followed.push(one);
  rows.push("row");
  return () => followed.splice(followed.indexOf(one), 1);
});
const steps = [];
const noted = () => steps.push([...followed]);
const read = (name, query = {}) => { const one = shared.of(name, query, () => []); return { rows: one.rows, leave: one.hold() }; };

const first = read("membership");
const cards = Array.from({ length: 20 }, () => read("membership"));
noted();
const other = read("membership", { user: "ada" });
noted();
other.leave();
first.leave();
noted();
const isThere = cards.every(({ rows }) => rows === first.rows && rows.includes("row"));
for (const { leave } of cards) leave();
noted();
const again = read("membership");
noted();
shared.forget();
const next = read("membership");
console.log(JSON.stringify({ steps, isThere, isNew: again.rows !== first.rows, isOwn: next.rows !== again.rows }));
