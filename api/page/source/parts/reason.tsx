// Why somebody of the staff looks at what belongs to others. The API asks for it, and its audit log keeps it.

import { effect, signal } from "@preact/signals";

import { type Answer, useQuery } from "../data/query.ts";
import { user } from "../data/session.ts";

const CHARS_MIN = 8;
const CHARS_MAX = 200;
/** What a header can carry: Latin text, with spaces inside and around. */
const PATTERN = ` *[!-~¡-ÿ][ -~¡-ÿ]{${CHARS_MIN - 2},${CHARS_MAX - 2}}[!-~¡-ÿ] *`;
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
      <ReasonField label="Why do you look? The audit log keeps it." placeholder="a dispute over a fill" />
      <button>Look</button>
    </form>
  );
}

/** A field for a reason, such as that of a decision. */
export function ReasonField({ label = "Reason, which the audit log keeps", placeholder }: { label?: string; placeholder: string }) {
  return (
    <label class="long">
      {label}
      <input name="reason" maxLength={CHARS_MAX} required pattern={PATTERN} title={`${CHARS_MIN} to ${CHARS_MAX} Latin letters, digits and signs`} placeholder={placeholder} />
    </label>
  );
}
