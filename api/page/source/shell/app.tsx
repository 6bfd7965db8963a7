// The frame around the views: navigation, the state of the connection, and the view that the address names.

import type { ComponentType } from "preact";
import { useEffect, useState } from "preact/hooks";

import { isStaff, useAccount } from "../data/account.ts";
import { useFeed } from "../data/follow.ts";
import { Table } from "../data/rows.ts";
import { signOut, user } from "../data/session.ts";
import { Live } from "../views/live.tsx";
import { ConnectionState } from "./connection.tsx";
import { follow, path, signInPath } from "./router.ts";

interface View {
  path: string;
  name: string;
  /** The view itself, or how to load it when it is first visited. */
  part: ComponentType | (() => Promise<ComponentType>);
  isLazy?: boolean;
  /** Whether a link beside the navigation leads to it, for whoever is signed in. */
  isAside?: boolean;
}

const RELOADED = "astra-reloaded";
const VIEWS: readonly View[] = [
  { path: "/", name: "Live", part: Live },
  { path: "/boards", name: "Boards", part: () => import("../views/boards.tsx").then(({ Boards }) => Boards), isLazy: true },
  { path: "/community", name: "Community", part: () => import("../views/community.tsx").then(({ Community }) => Community), isLazy: true },
  { path: "/money", name: "Money", part: () => import("../views/money.tsx").then(({ Money }) => Money), isLazy: true },
  { path: "/pipeline", name: "Pipeline", part: () => import("../views/pipeline.tsx").then(({ Pipeline }) => Pipeline), isLazy: true },
  { path: "/player", name: "You", part: () => import("../views/player.tsx").then(({ Player }) => Player), isLazy: true },
  { path: "/account", name: "Account", part: () => import("../views/account.tsx").then(({ Account }) => Account), isLazy: true, isAside: true },
];

export function App() {
  const view = VIEWS.find((each) => each.path === path.value);
  useEffect(() => { document.title = view ? `${view.name} · AstraTrade` : "AstraTrade"; }, [view]);
  return (
    <>
      <a class="skip" href="#main">Skip to content</a>
      <header class="top">
        <a class="brand" href="/" onClick={follow}><img src="/page/icon.svg" alt="" width="26" height="26" /> AstraTrade</a>
        <nav aria-label="Views">
          {VIEWS.filter((each) => !each.isAside).map((each) => (
            <a key={each.path} href={each.path} onClick={follow} aria-current={each === view ? "page" : undefined}>{each.name}</a>
          ))}
        </nav>
        <SignedIn />
        <ConnectionState />
      </header>
      <main id="main" tabIndex={-1}>{view ? <Shown key={view.path} view={view} /> : <Missing />}</main>
      <footer><a href="/docs">Endpoints</a> · <a href="/openapi.json">OpenAPI</a></footer>
    </>
  );
}

function Shown({ view }: { view: View }) {
  const [part, setPart] = useState<{ Part: ComponentType } | null>(view.isLazy ? null : { Part: view.part as ComponentType });
  useEffect(() => {
    if (!part) void (view.part as () => Promise<ComponentType>)().then((Part) => { setPart({ Part }); sessionStorage.removeItem(RELOADED); }, reloadOnce);
  }, []);
  return part ? <part.Part /> : <p class="empty">Loading…</p>;
}

/** Load the page anew: a release may have replaced the files that this one names. */
function reloadOnce(): void {
  if (sessionStorage.getItem(RELOADED)) return;
  sessionStorage.setItem(RELOADED, "yes");
  location.reload();
}

function SignedIn() {
  if (!user.value) return <a href={signInPath()} onClick={follow}>Sign in</a>;
  return (
    <p class="who">
      <AccountLink key={user.value} isHere={path.value === "/account"} />
      <button class="link" type="button" onClick={() => void signOut()}>Sign out</button>
    </p>
  );
}

/** The way to the account, with the role of the staff and the number of notifications that were not read. */
function AccountLink({ isHere }: { isHere: boolean }) {
  const account = useAccount();
  const inbox = useFeed("inbox", {}, () => new Table(() => "own"));
  inbox.version.value;
  const unread: number = inbox.byKey.get("own")?.unread ?? 0;
  return (
    <>
      {isStaff(account) && <span class="badge"><span class="hidden">You are </span>{account!.role}</span>}
      <a href="/account" onClick={follow} aria-current={isHere ? "page" : undefined}>
        Account{unread > 0 && <span class="count">{unread}<span class="hidden"> unread notifications</span></span>}
      </a>
    </>
  );
}

function Missing() {
  return <p class="empty">There is no such page. <a href="/" onClick={follow}>See what is live</a>.</p>;
}
