// Replay or drop a dead letter: asks for the reason, says what will happen, and shows what happened.

import { useState } from "preact/hooks";

import { request } from "../../data/api.ts";
import { pathOf } from "../../data/paths.ts";
import { token } from "../../data/session.ts";
import { Form } from "../../parts/form.tsx";
import { ReasonField } from "../../parts/reason.tsx";
import { follow } from "../../shell/router.ts";
import { LETTERS, type Replayed } from "./answers.ts";

type Way = "replay" | "drop";
const WAYS = {
  replay: { ask: "Replay…", says: "The message is appended to its topic again, for its group alone, and the letter is gone.", now: "Replay now", because: "the market is in the rule book now" },
  drop: { ask: "Drop…", says: "The message is never processed, and the letter is gone for good.", now: "Drop for good", because: "a test of the venue, which it sent twice" },
} as const;

export function Decide({ id }: { id: string }) {
  const [way, setWay] = useState<Way | null>(null);
  const [done, setDone] = useState<{ way: Way; at: string } | null>(null);
  const send = async ({ reason = "" }: Record<string, string>) => {
    if (!way) return;
    const answer = await request<Partial<Replayed>>("POST", LETTERS + pathOf`/${id}/${way}`, { reason: reason.trim() }, await token());
    setDone({ way, at: `${answer.topic}:${answer.partition}@${answer.offset}` });
  };
  return (
    <>
      <p role="status">
        {done?.way === "drop" && "Dropped. "}
        {done?.way === "replay" && <>Replayed to <code>{done.at}</code>. <a href={`?part=trace&event=${encodeURIComponent(done.at)}`} onClick={follow}>Trace it</a>. </>}
        {done && "The audit log has your reason."}
      </p>
      {!done && <Ways way={way} choose={setWay} send={send} />}
    </>
  );
}

type WaysProps = { way: Way | null; choose: (way: Way | null) => void; send: (fields: Record<string, string>) => Promise<void> };

function Ways({ way, choose, send }: WaysProps) {
  return (
    <>
      <p class="buttons">
        {(Object.keys(WAYS) as Way[]).map((each) => (
          <button key={each} type="button" aria-expanded={way === each} onClick={() => choose(way === each ? null : each)}>{WAYS[each].ask}</button>
        ))}
      </p>
      {way && (
        <Form key={way} send={send} button={WAYS[way].now}>
          <p class="line">{WAYS[way].says}</p>
          <ReasonField placeholder={WAYS[way].because} />
        </Form>
      )}
    </>
  );
}
