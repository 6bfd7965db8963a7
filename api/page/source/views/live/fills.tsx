// The newest fills.

import { useFeed } from "../../data/follow.ts";
import { decimal } from "../../data/format.ts";
import { Tape } from "../../data/rows.ts";
import { Empty, Panel } from "../../parts/panel.tsx";
import { Size, Time } from "../../parts/texts.tsx";

const ROWS = 60;

export function Fills() {
  const tape = useFeed("trades", { last: ROWS }, () => new Tape(ROWS));
  tape.version.value;
  return (
    <Panel title="Fills" kind="roomy">
      {tape.events.length === 0 && <Empty loaded={tape.loaded.value}>No fills yet.</Empty>}
      {tape.events.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="The newest fills">
          <table>
            <thead>
              <tr>
                <th scope="col">Time</th>
                <th scope="col">Market</th>
                <th scope="col" class="number">Price</th>
                <th scope="col" class="number">Size</th>
              </tr>
            </thead>
            <tbody>
              {tape.events.map(({ number, row }) => (
                <tr key={number} class={number > 0 ? "new" : ""}>
                  <td class="soft"><Time at={row.time} /></td>
                  <td>
                    <span class={row.side === "buy" ? "up" : "down"} aria-hidden="true">{row.side === "buy" ? "▲" : "▼"}</span>
                    <span class="word"> {row.side}</span> {row.market}
                  </td>
                  <td class="number">{decimal(row.price)}</td>
                  <td class="number"><Size value={row.size} /></td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Panel>
  );
}
