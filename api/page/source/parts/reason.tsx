// Why somebody of the staff looks at what belongs to others. The API asks for it, and its audit log keeps it.

import { effect, signal } from "@preact/signals";

import { type Answer, useQuery } from "../data/query.ts";
import { user } from "../data/session.ts";

const CHARS_MIN = 8;
const CHARS_MAX = 200;
const reason = signal("");
let givenBy = user.value;
effect(() => {
  if (user.value !== givenBy) reason.value = "";
  givenBy = user.value;
});

/** Ask a query that needs a reason; ask nothing before there is one. */
export function useInspection<T>(path: string | null, query: Record<string, string> = {}): Answer<T> {
  return useQuery<T>(reason.value ? path : null, query, true, { "X-Audit-Reason": reason.value });
}

/** Asks for the reason once, for all that is looked at until the page is left. */
export function Reason() {
  if (reason.value) {
    return (
      <p class="soft">
        You look because: {reason.value}. <button class="link" type="button" onClick={() => { reason.value = ""; }}>Change</button>
      </p>
    );
  }
  const given = (event: Event) => {
    event.preventDefault();
    reason.value = String(new FormData(event.currentTarget as HTMLFormElement).get("reason")).trim();
  };
  return (
    <form onSubmit={given}>
      <label class="wide">Why do you look? The audit log keeps it.<input name="reason" minLength={CHARS_MIN} maxLength={CHARS_MAX} required placeholder="a dispute over a fill" /></label>
      <button>Look</button>
    </form>
  );
}

/** A field for the reason of a decision. */
export function ReasonField(props: { placeholder: string }) {
  return <label class="wide">Reason, which the audit log keeps<input name="reason" minLength={CHARS_MIN} maxLength={CHARS_MAX} required placeholder={props.placeholder} /></label>;
}
