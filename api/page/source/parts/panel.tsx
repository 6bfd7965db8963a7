// A titled part of a view, and what it shows while it has nothing to show.

import type { ComponentChildren } from "preact";
import { useId } from "preact/hooks";

import type { ProblemError } from "../data/api.ts";
import { sentenceOf } from "./form.tsx";

export function Panel(props: { title: string; kind?: string; children: ComponentChildren; tools?: ComponentChildren }) {
  const id = useId();
  return (
    <section class={`panel ${props.kind ?? ""}`} aria-labelledby={id}>
      <header class="panel-head">
        <h2 id={id} tabIndex={-1}>{props.title}</h2>
        {props.tools}
      </header>
      {props.children}
    </section>
  );
}

/** What a list shows without rows: that they are on their way, or why there are none. */
export function Empty(props: { loaded: boolean; children: ComponentChildren }) {
  return <p class="empty">{props.loaded ? props.children : "Loading…"}</p>;
}

/** Says that the API refuses what the address chooses: what it expects, and what the reader can do. */
export function Refused(props: { why: ProblemError; children: ComponentChildren }) {
  return <p class="fault" role="alert">{sentenceOf(props.why)} {props.children}</p>;
}
