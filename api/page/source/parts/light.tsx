// A light: whether something holds, in words and by colour.

import type { ComponentChildren } from "preact";

export type LightState = "ok" | "bad" | "unknown";

const COLOURS = { ok: "up", bad: "down", unknown: "warn" };
const SIGNS = { ok: "✓", bad: "✗", unknown: "?" };

export function Light({ state, children }: { state: LightState; children: ComponentChildren }) {
  return <span class={`light ${COLOURS[state]}`}><span aria-hidden="true">{SIGNS[state]}</span> {children}</span>;
}
