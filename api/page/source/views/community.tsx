// Constellations, battles and the market place.

import { Battles } from "./community/battles.tsx";
import { Constellations } from "./community/constellations.tsx";
import { Market } from "./community/market.tsx";

export function Community() {
  return (
    <>
      <h1>Community</h1>
      <div class="pair">
        <Constellations />
        <div class="stack">
          <Battles />
          <Market />
        </div>
      </div>
    </>
  );
}
