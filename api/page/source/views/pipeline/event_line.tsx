// One event of a tree: its kind, key, time and place; its data when it is opened.

import { Time } from "../../parts/texts.tsx";
import { follow } from "../../shell/router.ts";
import type { PlacedEvent } from "./answers.ts";
import { shortName } from "./flow_edges.ts";

/** Return the kind of an event: the last part of its type before its version. */
const kindOf = (type: string): string => type.split(".").at(-2) ?? type;

export function EventLine({ placed: { topic, partition, offset, event }, isAsked, isLinked }: { placed: PlacedEvent; isAsked?: boolean; isLinked?: boolean }) {
  return (
    <details class={isAsked ? "asked" : ""}>
      <summary>
        <strong>{kindOf(event.type)}</strong>{isAsked && <span class="hidden"> (the event that was asked for)</span>} {event.partitionkey}{" "}
        <span class="soft"><Time at={event.time} /> · {shortName(topic)}:{partition}@{offset}</span>
      </summary>
      <pre tabIndex={0} aria-label={`Data of ${kindOf(event.type)}`}>{JSON.stringify(event.data, null, 2)}</pre>
      <p class="soft digest">Event {event.id}{event.causationid && <>, caused by {event.causationid}</>}{isLinked && <>. <a href={`?part=trace&event=${encodeURIComponent(event.id)}`} onClick={follow}>Trace it</a></>}</p>
    </details>
  );
}

/** Says what a search left out. It is on the page before the answer, so that it is announced. */
export const CutShort = ({ cut = [] }: { cut: readonly string[] | undefined }) => (
  <p class="warn" role="status">{cut.length > 0 && `Not all of it: ${cut.join("; ")}. The command line reads the whole log.`}</p>
);
