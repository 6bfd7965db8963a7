// Links to the parts of a view. The address keeps which one is shown; the other choices belong to the part that is left.

import { follow, path } from "../shell/router.ts";

export function SubViews(props: { name: string; label: string; chosen: string; parts: readonly { name: string; title: string }[] }) {
  const [first] = props.parts;
  return (
    <nav class="parts" aria-label={props.label}>
      {props.parts.map(({ name, title }) => (
        <a key={name} href={name === first?.name ? path.value : `?${props.name}=${name}`} onClick={follow} aria-current={name === props.chosen ? "page" : undefined}>{title}</a>
      ))}
    </nav>
  );
}
