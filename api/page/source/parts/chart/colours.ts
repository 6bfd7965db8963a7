// The colours of the page's style, as they are in light and dark.

import type { Colour } from "../../data/drawing.ts";

export const colourOf = (name: Colour | "line" | "panel"): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
