// A choice that the address of the page keeps.

import { choice, choose } from "../shell/router.ts";

/** `otherwise` applies while the address has no choice; by default the first option does. */
export function Choose(props: { name: string; label: string; options: readonly (readonly [string, string])[]; otherwise?: string }) {
  const [first] = props.options[0] ?? [""];
  const changed = (event: Event) => {
    const { value } = event.currentTarget as HTMLSelectElement;
    choose({ [props.name]: value }); // the first one, too: what is first may change
  };
  return (
    <label>
      {props.label}
      <select value={choice(props.name, props.otherwise ?? first)} onChange={changed}>
        {props.options.map(([value, text]) => <option key={value} value={value}>{text}</option>)}
      </select>
    </label>
  );
}
