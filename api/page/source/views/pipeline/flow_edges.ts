// The edges of the pipeline's graph with what flows over each: events a second, and events that wait.

import type { Edge, PipelineState, Topology } from "./answers.ts";

export interface Flowing extends Edge {
  /** Events a second; null while unknown, or when several append to a topic and the API cannot tell them apart. */
  rate: number | null;
  /** Events that the domain has yet to process; null where nothing waits by nature: from who appends to its topic. */
  lag: number | null;
}

const sum = (numbers: Iterable<number>): number => [...numbers].reduce((total, each) => total + each, 0);

export function flowing(topology: Topology, state: PipelineState | null): Flowing[] {
  const domains = new Map(state?.domains.map((each) => [each.domain, each]));
  const topics = new Map(state?.topics.map((each) => [each.topic, each.per_second]));
  const appenders = new Map<string, number>();
  for (const { target } of topology.edges) appenders.set(target, (appenders.get(target) ?? 0) + 1);
  return topology.edges.map((edge) => {
    const consumer = domains.get(edge.target);
    if (consumer) {
      const lag = consumer.lag.partitions[edge.source];
      return { ...edge, rate: consumer.rates[edge.source] ?? null, lag: lag ? sum(Object.values(lag)) : null };
    }
    return { ...edge, rate: appenders.get(edge.target) === 1 ? topics.get(edge.target) ?? null : null, lag: null };
  });
}

/** Return the name of a topic without what all topics have in common. */
export const shortName = (name: string): string => name.replace(/^astra\./, "").replace(/\.v\d+$/, "");
