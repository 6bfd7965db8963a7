// A row of any table as it is stored, now or as of a position, and the events behind it.

import { pathOf } from "../../data/paths.ts";
import { useQuery } from "../../data/query.ts";
import { Fault } from "../../parts/fault.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { Reason, useInspection } from "../../parts/reason.tsx";
import { choice, choose, stay, withChoices } from "../../shell/router.ts";
import { PIPELINE, type RowAnswer, type Topology } from "./answers.ts";
import { SHOWN, Why } from "./why.tsx";

const [TABLE, KEY, AT] = ["table", "key", "at"] as const;

export function Rows() {
  const [table, key, at] = [choice(TABLE, ""), choice(KEY, ""), choice(AT, "")];
  const isChosen = table !== "" && key !== "";
  const path = isChosen ? pathOf`/v1/tables/${table}` : null;
  const { data, error, again } = useInspection<RowAnswer>(path && `${path}/row`, { key, ...(at ? { at } : {}) });
  return (
    <div class="pair">
      <Panel title="Row">
        <Chooser key={`${table} ${key} ${at}`} table={table} rowKey={key} at={at} again={again} />
        {isChosen && <Reason />}
        {!isChosen && <Empty loaded>Choose a table and a key, such as gamification-progress and the id of a user.</Empty>}
        <Fault error={error} again={again} />
        {data && data.rows.length === 0 && <Empty loaded>{at ? "There was no such row." : "There is no such row."}</Empty>}
        {data?.rows.map((row, number) => <pre key={number} tabIndex={0} aria-label="Row">{row}</pre>)}
        {data?.position && (
          <p class="soft digest">
            As of {data.position}. Amounts are in units of 1e-8 USD, times in microseconds since 1970.{" "}
            {at ? <a href={withChoices({ [AT]: "" })} onClick={stay}>Show it as it is now</a> : <a href={withChoices({ [AT]: data.position })} onClick={stay}>A link to this state</a>}
          </p>
        )}
      </Panel>
      {path && <Why key={`${table} ${key}`} path={`${path}/why`} rowKey={key} />}
    </div>
  );
}

function Chooser(props: { table: string; rowKey: string; at: string; again: () => void }) {
  const { data } = useQuery<Topology>(`${PIPELINE}/topology`, {}, true);
  const tables = data?.domains.flatMap((domain) => domain.tables.map(({ table }) => table)) ?? [];
  const look = (event: Event) => {
    event.preventDefault();
    const fields = new FormData(event.currentTarget as HTMLFormElement);
    const [table, key, at] = [TABLE, KEY, AT].map((name) => String(fields.get(name)).trim()) as [string, string, string];
    const isSame = table === props.table && key === props.rowKey;
    if (isSame && at === props.at) props.again();
    else choose({ [TABLE]: table, [KEY]: key, [AT]: at, ...(isSame ? {} : { [SHOWN]: "" }) }); // the events behind another row are asked for anew
  };
  return (
    <form onSubmit={look} role="search">
      <label>Table<input name={TABLE} list="tables" defaultValue={props.table} required /></label>
      <datalist id="tables">{tables.map((name) => <option key={name} value={name} />)}</datalist>
      <label class="long">Key<input name={KEY} defaultValue={props.rowKey} maxLength={256} required placeholder="trader-1" /></label>
      <label class="long">As of<input name={AT} defaultValue={props.at} maxLength={2048} placeholder="now, or a position of an answer" /></label>
      <button>Look</button>
    </form>
  );
}
