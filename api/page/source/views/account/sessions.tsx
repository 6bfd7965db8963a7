// The open sessions of the user. Each can be ended, and all of them.

import { own } from "../../data/own.ts";
import { pathOf } from "../../data/paths.ts";
import { useQuery } from "../../data/query.ts";
import { signOut, signOutEverywhere } from "../../data/session.ts";
import { Form, textOf } from "../../parts/form.tsx";
import { Panel } from "../../parts/panel.tsx";
import { type Column, RowsTable } from "../../parts/rows_table.tsx";
import { Time } from "../../parts/texts.tsx";

interface Session { id: string; current: boolean; method: string; address: string; user_agent: string; created_at: string; last_used_at: string }

export function Sessions() {
  const { data, error, again } = useQuery<{ sessions: Session[] }>("/v1/account/sessions", {}, true);
  const end = (session: Session) => async () => {
    if (session.current) return signOut();
    await own("DELETE", pathOf`/v1/account/sessions/${session.id}`);
    again();
  };
  const columns: Column<Session>[] = [
    { title: "Signed in", show: (row) => <><Time at={row.created_at} /> <span class="soft">by {row.method}</span></> },
    { title: "Last used", show: (row) => <Time at={row.last_used_at} /> },
    { title: "From", show: (row) => <span title={row.user_agent}>{row.address} <span class="soft">{browserOf(row.user_agent)}</span></span> },
    { title: "End", show: (row) => <Form send={end(row)} button={row.current ? "Sign out" : "End"} label={`End the session from ${row.address}`} kind="link" /> },
  ];
  return (
    <Panel title="Sessions">
      {error !== null && <p class="fault" role="alert">{textOf(error)}</p>}
      <RowsTable label="Open sessions" rows={data?.sessions ?? []} keyOf={(row) => row.id} columns={columns} loaded={data !== null} empty="No session is open." />
      <Form send={signOutEverywhere} button="End all sessions" kind="quiet" />
    </Panel>
  );
}

const BROWSERS = [["Edg/", "Edge"], ["OPR/", "Opera"], ["Firefox/", "Firefox"], ["Chrome/", "Chrome"], ["Safari/", "Safari"]] as const;
const SYSTEMS = [["Windows", "Windows"], ["Android", "Android"], ["iPhone", "iPhone"], ["iPad", "iPad"], ["Mac OS", "macOS"], ["Linux", "Linux"]] as const;

/** Return what a user agent calls itself in few words; that of a program is its first word. */
function browserOf(agent: string): string {
  const named = (names: readonly (readonly [string, string])[]) => names.find(([part]) => agent.includes(part))?.[1];
  const [browser, system] = [named(BROWSERS), named(SYSTEMS)];
  return browser && system ? `${browser} on ${system}` : browser ?? agent.split(" ")[0] ?? "";
}
