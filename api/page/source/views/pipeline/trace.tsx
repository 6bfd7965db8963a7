// The tree around an event: what led to it and what followed from it, by its id, its place, or the id of its trace.

import { Fault } from "../../parts/fault.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { Reason, useInspection } from "../../parts/reason.tsx";
import { choice, choose } from "../../shell/router.ts";
import type { TraceAnswer } from "./answers.ts";
import { type Branch, LEVELS_MAX, treesOf } from "./chain_tree.ts";
import { CutShort, EventLine } from "./event_line.tsx";

const EVENT = "event";

export function Trace() {
  const event = choice(EVENT, "");
  const { data, error, again } = useInspection<TraceAnswer>(event ? "/v1/trace" : null, { event });
  const search = (submitted: Event) => {
    submitted.preventDefault();
    const wanted = String(new FormData(submitted.currentTarget as HTMLFormElement).get(EVENT)).trim();
    if (wanted === event) again();
    else choose({ [EVENT]: wanted });
  };
  return (
    <Panel title="Trace">
      <form onSubmit={search} role="search">
        <label class="long">Event<input name={EVENT} key={event} defaultValue={event} minLength={8} maxLength={128} required placeholder="id of an event or of a trace, or topic:partition@offset" /></label>
        <button>Trace</button>
      </form>
      {event && <Reason />}
      <Fault error={error} again={again} />
      <p class="empty" role="status">{event && !data && error === null && "Once there is a reason, the newest records of each partition are searched. This takes some seconds."}</p>
      {!event && <Empty loaded>Every answer to a command names its event. Paste the id to see what led to it and what followed.</Empty>}
      <CutShort cut={data?.cut} />
      {data && <Trees answer={data} />}
    </Panel>
  );
}

function Trees({ answer }: { answer: TraceAnswer }) {
  const { roots, isDeeper } = treesOf(answer.events);
  return (
    <>
      {isDeeper && <p class="soft">The tree has {LEVELS_MAX} levels. Effects further down are on the last one; each names its cause.</p>}
      <Branches branches={roots} asked={answer.event} isRoot />
    </>
  );
}

function Branches({ branches, asked, isRoot }: { branches: readonly Branch[]; asked: string; isRoot?: boolean }) {
  return (
    <ul class={isRoot ? "tree" : ""}>
      {branches.map(({ placed, effects }) => (
        <li key={placed.event.id}>
          <EventLine placed={placed} isAsked={placed.event.id === asked} />
          {effects.length > 0 && <Branches branches={effects} asked={asked} />}
        </li>
      ))}
    </ul>
  );
}
