// A figure with its name.

import type { ComponentChildren } from "preact";

export function Figure(props: { name: string; children: ComponentChildren }) {
  return (
    <div>
      <dt>{props.name}</dt>
      <dd>{props.children}</dd>
    </div>
  );
}
