// The pipeline as a graph. Each node is a link that chooses it: its edges stay bright, the others fade.

import { decimal } from "../../data/format.ts";
import { choice, stay, withChoices } from "../../shell/router.ts";
import type { Flowing } from "./flow_edges.ts";
import type { Drawing, Line, Node } from "./layout.ts";

export const FOCUS = "node";

export const rateText = (rate: number): string => `${decimal(rate < 10 ? rate.toFixed(1).replace(/\.0$/, "") : rate.toFixed(0))}/s`;

function flowText({ rate, lag }: Flowing): string {
  const parts = [rate ? rateText(rate) : "", lag ? `${decimal(lag)} wait` : ""];
  return parts.filter(Boolean).join(", ");
}

export function Graph({ drawing, edges }: { drawing: Drawing; edges: readonly Flowing[] }) {
  const focus = choice(FOCUS, "");
  const byEnds = new Map(edges.map((edge) => [`${edge.source} ${edge.target}`, edge]));
  const isNear = (line: Line) => line.source === focus || line.target === focus;
  const near = new Set(drawing.lines.filter(isNear).flatMap((line) => [line.source, line.target]));
  const light = (isNearFocus: boolean) => (focus === "" ? "" : isNearFocus ? "near" : "faint");
  return (
    <div class="scroll graph" tabIndex={0} role="region" aria-label="The pipeline as a graph; the table says the same">
      <svg viewBox={`0 0 ${drawing.width} ${drawing.height}`} style={{ maxWidth: `${drawing.width}px` }} role="group" aria-label="Graph">
        <defs>
          <marker id="arrow" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path d="M0 0L8 4L0 8z" /></marker>
        </defs>
        {[Arrow, Label].map((Part) => drawing.lines.map((line) => (
          <Part key={`${line.source} ${line.target}`} line={line} edge={byEnds.get(`${line.source} ${line.target}`)} light={light(isNear(line))} />
        )))}
        {drawing.nodes.map((node) => <Box key={node.name} node={node} isChosen={node.name === focus} light={light(near.has(node.name))} />)}
      </svg>
    </div>
  );
}

interface Shown { line: Line; edge: Flowing | undefined; light: string }

const kindOf = (edge: Flowing | undefined): string => (edge?.lag ? "late" : edge?.rate ? "busy" : "");

function Arrow({ line, edge, light }: Shown) {
  return <path class={`arrow ${kindOf(edge)} ${light}`} d={line.path} marker-end="url(#arrow)" aria-hidden="true" />;
}

/** What flows over an edge. Labels are drawn after all arrows, so that none crosses them. */
function Label({ line, edge, light }: Shown) {
  const text = edge ? flowText(edge) : "";
  return text ? <text class={`label ${kindOf(edge)} ${light}`} x={line.x} y={line.y - 4} aria-hidden="true">{text}</text> : null;
}

function Box({ node, isChosen, light }: { node: Node; isChosen: boolean; light: string }) {
  return (
    <a href={withChoices({ [FOCUS]: isChosen ? "" : node.name })} onClick={stay} aria-current={isChosen ? "true" : undefined}
      aria-label={`${node.kind} ${node.label}`} class={`node ${node.kind} ${light}`}>
      <rect x={node.x - node.width / 2} y={node.y - node.height / 2} width={node.width} height={node.height} rx={node.kind === "topic" ? node.height / 2 : 6} />
      <text x={node.x} y={node.y + 4}>{node.label}</text>
    </a>
  );
}
