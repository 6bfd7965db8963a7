// Where the nodes and edges of the graph are drawn. The library is loaded with the first graph.

import type { Topology } from "./answers.ts";
import { shortName } from "./flow_edges.ts";

export type Kind = "source" | "topic" | "domain";
export interface Node { name: string; label: string; kind: Kind; x: number; y: number; width: number; height: number }
export interface Line { source: string; target: string; path: string; x: number; y: number }
export interface Drawing { width: number; height: number; nodes: Node[]; lines: Line[] }

const HEIGHT = 30;
const CHARACTER = 7.6;
const PADDING = 22;
const LABEL = { width: 64, height: 14, labelpos: "c" } as const;
const MARGIN = 12;
const AHEAD = "ahead";
const BACK = "back";

/** Lay the graph out in columns: who appends from outside, what they append to, the domains, what these append to. */
export async function laidOut(topology: Topology): Promise<Drawing> {
  const { Graph, layout } = await import("@dagrejs/dagre");
  const graph = new Graph({ multigraph: true });
  graph.setGraph({ rankdir: "LR", nodesep: 12, ranksep: 30, edgesep: 6, marginx: MARGIN, marginy: MARGIN });
  const kinds = new Map<string, Kind>([
    ...topology.sources.map((name) => [name, "source"] as const),
    ...topology.domains.map(({ domain }) => [domain, "domain"] as const),
    ...topology.topics.map(({ topic }) => [topic, "topic"] as const),
  ]);
  const domains = new Set(topology.domains.map(({ domain }) => domain));
  const produced = new Set(topology.edges.filter(({ source }) => domains.has(source)).map(({ target }) => target));
  const edges = topology.edges.map((edge) => ({ ...edge, isBack: domains.has(edge.target) && produced.has(edge.source) }));
  for (const name of kinds.keys()) graph.setNode(name, { width: shortName(name).length * CHARACTER + PADDING, height: HEIGHT });
  for (const { source, target, isBack } of edges) {
    isBack ? graph.setEdge(target, source, { ...LABEL }, BACK) : graph.setEdge(source, target, { ...LABEL }, AHEAD);
  }
  layout(graph);
  const { width = 0, height = 0 } = graph.graph();
  return {
    width,
    height,
    nodes: [...kinds].map(([name, kind]) => ({ name, label: shortName(name), kind, ...boxOf(graph.node(name)) })),
    lines: edges.map(({ source, target, isBack }) => {
      const { points, x = 0, y = 0 } = isBack ? graph.edge(target, source, BACK) : graph.edge(source, target, AHEAD);
      return { source, target, path: smooth(isBack ? points.toReversed() : points), x, y };
    }),
  };
}

interface Point { x: number; y: number }

const boxOf = ({ x, y, width, height }: Point & { width: number; height: number }) => ({ x, y, width, height });

/** Return a path through points: curves between the middles of its segments. */
function smooth(points: readonly Point[]): string {
  const [first, ...rest] = points;
  const last = rest.pop();
  if (!first || !last) return "";
  const at = ({ x, y }: Point): string => `${x.toFixed(1)} ${y.toFixed(1)}`;
  const curves = rest.map((point, index) => {
    const next = rest[index + 1];
    return `Q${at(point)} ${at(next ? { x: (point.x + next.x) / 2, y: (point.y + next.y) / 2 } : last)}`;
  });
  return `M${at(first)}${curves.length ? curves.join("") : `L${at(last)}`}`;
}
