// Messages that a domain could not process: the list, and the one that the address chooses.

import { decimal } from "../../data/format.ts";
import { isLetterId } from "../../data/paths.ts";
import { usePoll } from "../../data/poll.ts";
import { Old } from "../../parts/fault.tsx";
import { Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { Time } from "../../parts/texts.tsx";
import { choice, choose, stay, withChoices } from "../../shell/router.ts";
import { LETTERS, type Letter, type Letters as Page } from "./answers.ts";
import { shortName } from "./flow_edges.ts";
import { ChosenLetter } from "./letter.tsx";

const EVERY_MS = 5_000;
const LETTER = "letter";
const AFTER = "after";
const MODULE = /^(\w+\.)+(?=\w+:)/;

const COLUMNS: readonly Column<Letter>[] = [
  { title: "Message", show: (row) => <a href={withChoices({ [LETTER]: row.id })} onClick={stay}>{shortName(row.topic)}:{row.partition}@{row.offset}</a> },
  { title: "Cause", show: (row) => <span class="cause" title={row.cause}>{row.cause.replace(MODULE, "")}</span> },
  { title: "Group", show: (row) => row.group },
  { title: "Event time", show: (row) => <Time at={row.time} /> },
  { title: "Attempts", show: (row) => decimal(row.attempts), isNumber: true },
];

export function DeadLetters() {
  const asked = choice(LETTER, "");
  const chosen = isLetterId(asked) ? asked : "";
  const after = choice(AFTER, "");
  const polled = usePoll<Page>(after ? `${LETTERS}?after=${encodeURIComponent(after)}` : LETTERS, EVERY_MS, true);
  const { data, error } = polled;
  return (
    <div class={chosen ? "pair" : "stack"}>
      <Panel title={data ? `Dead letters (${decimal(data.total)})` : "Dead letters"}>
        <Old of={polled} />
        {(data || error === null) && (
          <RowsTable label="Dead letters" rows={data?.letters ?? []} keyOf={(row) => row.id} columns={COLUMNS} loaded={data !== null}
            empty="No message waits here: each one was processed, replayed or dropped." />
        )}
        <p class="buttons">
          {after && <button class="link" type="button" onClick={() => choose({ [AFTER]: "" })}>First page</button>}
          {data?.next_after && <button class="link" type="button" onClick={() => choose({ [AFTER]: data.next_after ?? "" })}>Next page</button>}
        </p>
      </Panel>
      {chosen && <ChosenLetter key={chosen} id={chosen} close={() => choose({ [LETTER]: "" })} />}
    </div>
  );
}
