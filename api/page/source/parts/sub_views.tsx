// Links to the parts of a view. The address keeps which one is shown; the other choices belong to the part that is left.

import type { ComponentChildren } from "preact";

import { follow, path } from "../shell/router.ts";

export function SubViews(props: { name: string; label: string; chosen: string; parts: readonly { name: string; title: string }[]; children?: ComponentChildren }) {
  const [first] = props.parts;
  return (
    <nav class="parts" aria-label={props.label}>
      {props.parts.map(({ name, title }) => (
        <a key={name} href={name === first?.name ? path.value : `?${props.name}=${name}`} onClick={follow} aria-current={name === props.chosen ? "page" : undefined}>{title}</a>
      ))}
      {props.children}
    </nav>
  );
}
