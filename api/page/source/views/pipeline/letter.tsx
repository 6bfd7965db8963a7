// One dead letter: what is wrong with it, its message, and the decision about it.

import { decimal } from "../../data/format.ts";
import { pathOf } from "../../data/paths.ts";
import { Fault } from "../../parts/fault.tsx";
import { Empty, Panel } from "../../parts/panel.tsx";
import { Reason, useInspection } from "../../parts/reason.tsx";
import { type Bytes, LETTERS, type WholeLetter } from "./answers.ts";
import { Decide } from "./decide.tsx";

export function ChosenLetter({ id, close }: { id: string; close: () => void }) {
  const { data, error, again } = useInspection<WholeLetter>(LETTERS + pathOf`/${id}`);
  return (
    <Panel title="Letter" tools={<button class="link" type="button" onClick={close}>Close</button>}>
      <p class="digest"><code>{id}</code></p>
      <Decide id={id} />
      <Reason />
      <Fault error={error} again={again} />
      {data && (
        <>
          <h3>Error, after {decimal(data.attempts)} {data.attempts === 1 ? "attempt" : "attempts"} by {data.agent}</h3>
          <pre tabIndex={0} aria-label="Error">{data.error}</pre>
          <h3>Message{data.key && <> of key <code>{data.key.text}</code></>}</h3>
          {data.value ? <Value of={data.value} /> : <Empty loaded>It has no value: it deletes its key.</Empty>}
        </>
      )}
    </Panel>
  );
}

function Value({ of: { text, encoding, size } }: { of: Bytes }) {
  return (
    <>
      <pre tabIndex={0} aria-label="Message">{text}</pre>
      <p class="soft">{decimal(size)} bytes{encoding === "base64" ? ", not text: shown in base64" : ""}</p>
    </>
  );
}
