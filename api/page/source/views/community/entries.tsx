// Entries of feeds: what users did.

import type { Row } from "../../data/feeds.ts";
import { sentence } from "../../data/texts.ts";
import { Time, User } from "../../parts/texts.tsx";

export function Entries({ entries, named }: { entries: readonly Row[]; named?: boolean }) {
  return (
    <ul class="scroll lines" tabIndex={0} aria-label="What happened, the newest first">
      {entries.map((row) => (
        <li key={row.id}>
          <span>{named && <><User id={row.user_id} /> </>}{sentence(row.text, row.arguments)}</span>
          <span class="soft"><Time at={row.at} /></span>
        </li>
      ))}
    </ul>
  );
}
