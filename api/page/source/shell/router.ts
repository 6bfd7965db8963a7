// The address of the page holds every choice: the view is its path, the choices are its query.

import { signal } from "@preact/signals";

export const path = signal(location.pathname);
const query = signal(new URLSearchParams(location.search));

function read(): void {
  path.value = location.pathname;
  query.value = new URLSearchParams(location.search);
}

addEventListener("popstate", read);

/** Return a choice of the address, or what applies without one. */
export function choice<T extends string>(name: string, otherwise: T, allowed?: readonly T[]): T {
  const found = query.value.get(name) as T | null;
  return found === null || (allowed && !allowed.includes(found)) ? otherwise : found;
}

/** Return the address with some choices changed; an empty one is left out. */
export function withChoices(choices: Record<string, string>): string {
  const changed = new URLSearchParams(query.value);
  for (const [name, value] of Object.entries(choices)) value ? changed.set(name, value) : changed.delete(name);
  const text = changed.toString();
  return text ? `?${text}` : path.value;
}

/** Change choices of the address; an empty one is left out. */
export function choose(choices: Record<string, string>): void {
  replace(withChoices(choices));
}

function replace(address: string): void {
  history.replaceState(null, "", address);
  read();
}

/** Go to a view of the page. The focus goes with it, so that keyboard and screen reader begin there. */
export function visit(to: string): void {
  history.pushState(null, "", to);
  read();
  document.getElementById("main")?.focus({ preventScroll: true });
  scrollTo(0, 0);
}

const BACK = "back";
const SIGN_IN = "/player";

/** Return the way to the sign-in. It leads back to where the reader is; from the first view it leads to the player. */
export function signInPath(): string {
  if (path.value === "/" || path.value === SIGN_IN) return SIGN_IN;
  const text = query.value.toString();
  return `${SIGN_IN}?${new URLSearchParams({ [BACK]: path.value + (text && `?${text}`) })}`;
}

/** Go back to where the reader asked for the sign-in, if that was another view of the page. */
export function goBack(): void {
  const back = choice(BACK, "");
  if (/^\/(?![/\\])/.test(back)) visit(back);
}

/** Follow a link inside the page, unless the reader wants another tab. */
export const follow = (event: MouseEvent): void => byLink(event, visit);

/** Follow a link that changes a choice of the view, which stays where it is and keeps the focus. */
export const stay = (event: MouseEvent): void => byLink(event, replace);

function byLink(event: MouseEvent, go: (to: string) => void): void {
  if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  go((event.currentTarget as Element).getAttribute("href") ?? ""); // the property of a link in an SVG is no text
}
