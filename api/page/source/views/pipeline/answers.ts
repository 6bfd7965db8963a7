// What the API says of the pipeline.

export interface Edge { source: string; target: string }
export interface TableOfDomain { table: string; rows: string | null; ranked: boolean; sources: string[] }
export interface Topology {
  sources: string[];
  domains: { domain: string; group: string; commands: string[]; tables: TableOfDomain[] }[];
  topics: { topic: string; broadcast: boolean }[];
  edges: Edge[];
  grafana_url: string;
}

export interface Recovery { done: boolean; records: number | null; total: number | null }
export interface Member {
  name: string;
  lease_ms: number;
  partitions: Record<string, number[]>;
  recovery: Recovery;
  rulebook: string | null;
  damaged: string[];
}
export interface Domain {
  domain: string;
  group: string;
  state: string;
  generation: number;
  ready: boolean;
  why_not: string | null;
  members: Member[];
  lag: { records: number; seconds: number; at_least: boolean; partitions: Record<string, Record<string, number>> };
  rates: Record<string, number | null>;
}
export interface PipelineState {
  ready: boolean;
  rulebooks_differ: string | null;
  domains: Domain[];
  topics: { topic: string; records: number; per_second: number | null }[];
}

export interface Service {
  name: string;
  kind: string;
  version: string;
  domains: string[];
  ready: boolean;
  why_not: string | null;
  lease_ms: number;
  commits: Record<string, { per_second: number; mean_ms: number | null }>;
}

export const PIPELINE = "/v1/pipeline";
export const EVERY_MS = 2_000;

export interface Letter {
  id: string;
  group: string;
  topic: string;
  partition: number;
  offset: number;
  time: string;
  agent: string;
  attempts: number;
  cause: string;
}
export interface Letters { total: number; letters: Letter[]; next_after: string | null }
export interface Bytes { text: string; encoding: "utf-8" | "base64"; size: number }
export interface WholeLetter extends Letter { error: string; key: Bytes | null; value: Bytes | null; headers: [string, Bytes][] }
export interface Replayed { topic: string; partition: number; offset: number }
export const LETTERS = "/v1/dead-letters";

export interface Envelope { id: string; type: string; time: string; partitionkey: string; causationid?: string; data: unknown }
export interface PlacedEvent { topic: string; partition: number; offset: number; event: Envelope }
export interface TraceAnswer { event: string; events: PlacedEvent[]; cut: string[] }
/** A cause; `gone` is the id of one that was not found, which has nothing else. */
export interface Cause extends PlacedEvent { gone?: string }
export interface CausingEvent extends PlacedEvent { causes: Cause[] }
export interface RowMoved { at: string; partition_count: number; moved_to: number[] }
export interface BehindPartition { partition: number; partition_count: number; resized: RowMoved | null; missing: string[]; differs: boolean; cut: boolean; events: CausingEvent[] }
export interface WhyAnswer { partitions: BehindPartition[]; cut: string[] }
export interface RowAnswer { position: string; rows: string[] }
