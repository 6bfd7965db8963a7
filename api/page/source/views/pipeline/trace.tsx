// The tree around an event: what led to it and what followed from it, by its id, its place, or the id of its trace.

import { textOf } from "../../parts/form.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { Reason, useInspection } from "../../parts/reason.tsx";
import { choice, choose } from "../../shell/router.ts";
import { type TraceAnswer, type TracedEvent } from "./answers.ts";
import { CutShort, EventLine } from "./event_line.tsx";

const EVENT = "event";

export function Trace() {
  const event = choice(EVENT, "");
  const { data, error } = useInspection<TraceAnswer>(event ? "/v1/trace" : null, { event });
  const search = (submitted: Event) => {
    submitted.preventDefault();
    choose({ [EVENT]: String(new FormData(submitted.currentTarget as HTMLFormElement).get(EVENT)).trim() });
  };
  return (
    <Panel title="Trace">
      <form onSubmit={search} role="search">
        <label class="wide">Event<input name={EVENT} key={event} defaultValue={event} minLength={8} maxLength={128} required placeholder="id of an event or of a trace, or topic:partition@offset" /></label>
        <button>Trace</button>
      </form>
      {event && <Reason />}
      {error !== null && <p class="fault" role="alert">{textOf(error)}</p>}
      {event && !data && error === null && <p class="empty" role="status">Once there is a reason, the newest records of each partition are searched. This takes some seconds.</p>}
      {!event && <Empty loaded>Every answer to a command names its event. Paste the id to see what led to it and what followed.</Empty>}
      {data && (
        <>
          <CutShort cut={data.cut} />
          <ul class="tree">{data.trees.map((root) => <Branch key={root.event.id} node={root} asked={data.event} />)}</ul>
        </>
      )}
    </Panel>
  );
}

function Branch({ node, asked }: { node: TracedEvent; asked: string }) {
  return (
    <li>
      <EventLine placed={node} isAsked={node.event.id === asked} />
      {node.effects.length > 0 && <ul>{node.effects.map((effect) => <Branch key={effect.event.id} node={effect} asked={asked} />)}</ul>}
    </li>
  );
}
