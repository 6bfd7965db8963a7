// The events behind a row, each with its causes back to the request. The search is asked for: it reads the log.

import { useState } from "preact/hooks";

import { decimal, utc } from "../../data/format.ts";
import { Fault } from "../../parts/fault.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { useInspection } from "../../parts/reason.tsx";
import { choice, choose } from "../../shell/router.ts";
import type { BehindPartition, CausingEvent, RowMoved, WhyAnswer } from "./answers.ts";
import { lostText } from "./chain_tree.ts";
import { CutShort, EventLine } from "./event_line.tsx";

export const SHOWN = "why";

export function Why({ path, rowKey }: { path: string; rowKey: string }) {
  const isAsked = choice(SHOWN, "") !== "";
  const { data, error, again } = useInspection<WhyAnswer>(isAsked ? path : null, { key: rowKey });
  return (
    <Panel title="Why">
      {!isAsked && (
        <>
          <p>The events that changed the row, each with its causes. A process beside the API computes the table again from the log, for at most 10 s.</p>
          <button type="button" onClick={() => choose({ [SHOWN]: "yes" })}>Find the events</button>
        </>
      )}
      <p class="empty" role="status">{isAsked && !data && error === null && "Once there is a reason, this takes some seconds."}</p>
      <Fault error={error} again={again} />
      <CutShort cut={data?.cut} />
      {data && data.partitions.length === 0 && <Empty loaded>No event in the log changed this row.</Empty>}
      {data?.partitions.map((each) => <Partition key={`${each.partition} of ${each.partition_count}`} behind={each} lost={lostText(data.cut)} />)}
    </Panel>
  );
}

const FIRST = 20;

function Partition({ behind, lost }: { behind: BehindPartition; lost: string }) {
  const [isWhole, setWhole] = useState(false);
  const newest = behind.events.toReversed();
  return (
    <>
      <h3>Partition {behind.partition} of {behind.partition_count}: {decimal(behind.events.length)} events, the newest first</h3>
      {behind.resized && <p class="soft">{movedText(behind.resized)}</p>}
      {behind.missing.length > 0 && <p class="warn">The log has removed the first events of {behind.missing.join(", ")}.</p>}
      {behind.differs && <p class="warn">The row does not follow from these events alone: earlier ones, or another rule book, decided it.</p>}
      <ul class="tree">{(isWhole ? newest : newest.slice(0, FIRST)).map((event) => <Changed key={event.event.id} event={event} lost={lost} />)}</ul>
      {!isWhole && newest.length > FIRST && <button class="link" type="button" onClick={() => setWhole(true)}>Show all</button>}
    </>
  );
}

function movedText({ at, partition_count, moved_to }: RowMoved): string {
  const row = moved_to.length > 0 ? `the row was then in partition ${moved_to.join(", ")}` : "there was no row then";
  return `At ${utc(at)} the log got ${partition_count} partitions: ${row}.`;
}

function Changed({ event, lost }: { event: CausingEvent; lost: string }) {
  return (
    <li>
      <EventLine placed={event} isLinked />
      {event.causes.length > 0 && (
        <ul>
          {event.causes.map((cause) => (
            <li key={cause.gone ?? cause.event?.id}>{cause.gone ? <span class="soft digest">from {cause.gone}, {lost}</span> : <EventLine placed={cause} />}</li>
          ))}
        </ul>
      )}
    </li>
  );
}
