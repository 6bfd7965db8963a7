// The name of a constellation, with the way to its page.

import type { Table } from "../../data/rows.ts";
import { follow } from "../../shell/router.ts";

export function Name({ id, all }: { id: string; all: Table }) {
  all.version.value;
  const name: string = all.byKey.get(id)?.name ?? id;
  return <a class="user" title={id} href={`/community?constellation=${encodeURIComponent(id)}`} onClick={follow}>{name}</a>;
}
