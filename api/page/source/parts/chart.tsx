// A picture of values over time, with a summary in words and a table of the same data.

import { useSignal } from "@preact/signals";
import { useEffect, useMemo, useRef, useState } from "preact/hooks";

import type { Series } from "../data/drawing.ts";
import type { Picture, Plot } from "./chart/plot.ts";
import { useSteady } from "./chart/steady.ts";
import { timesOf } from "./chart/times.ts";
import { DataTable, Legend, summaryOf } from "./chart/words.tsx";

type Drawing = typeof import("./chart/plot.ts");

export interface ChartProps {
  title: string;
  /** Seconds since 1970, ascending, one for each value. */
  times: readonly number[];
  series: readonly Series[];
  /** The length of a window in seconds; without it the times are moments. */
  everyS?: number;
  /** Whether the times are days of UTC. */
  isDays?: boolean;
  /** Whether values stand on those of the series before; for bars. */
  isStacked?: boolean;
}

const DRAWN_MS = 200; // charts are drawn so often at most

export function Chart({ title: now, times, series, everyS = 0, isDays: areDays = false, isStacked = false }: ChartProps) {
  const newest = useMemo(() => ({ title: now, picture: { times, series, everyS, isDays: areDays, isStacked } }), [now, times, series, everyS, areDays, isStacked]);
  const { title, picture } = useSteady(newest, DRAWN_MS);
  const { isDays } = picture;
  const [asTable, setAsTable] = useState(false);
  const [drawing, setDrawing] = useState<Drawing | "missing" | null>(null);
  const names = useMemo(() => timesOf(isDays), [isDays]);
  useEffect(() => { void import("./chart/plot.ts").then(setDrawing, () => setDrawing("missing")); }, []);
  const isTable = asTable || drawing === "missing";
  return (
    <figure class="chart">
      {isTable
        ? <DataTable title={title} times={picture.times} series={picture.series} names={names} />
        : <Canvas title={`${title}. ${summaryOf(picture.times, picture.series, names)}`} drawing={drawing} picture={picture} />}
      {drawing !== "missing" && (
        <button type="button" class="link" onClick={() => setAsTable(!asTable)}>{asTable ? "Show as picture" : "Show as table"}<span class="hidden">: {title}</span></button>
      )}
    </figure>
  );
}

function Canvas(props: { title: string; drawing: Drawing | null; picture: Picture }) {
  const { drawing, picture } = props;
  const element = useRef<HTMLDivElement>(null);
  const plot = useRef<Plot | null>(null);
  const at = useSignal<number | null>(null);
  const names = useMemo(() => timesOf(picture.isDays), [picture.isDays]);
  useEffect(() => {
    if (!drawing || !element.current) return;
    plot.current = drawing.plot(element.current, picture, (place) => { at.value = place; });
    return () => { plot.current?.end(); plot.current = null; };
  }, [drawing, shapeOf(picture)]);
  useEffect(() => plot.current?.draw(picture), [picture]);
  return (
    <>
      <Legend times={picture.times} series={picture.series} names={names} at={at} />
      <div class="plot" ref={element} role="img" aria-label={props.title} />
    </>
  );
}

/** Return what stays the same while a picture gets other data; one of another shape is made anew. */
const shapeOf = ({ series, everyS, isDays, isStacked }: Picture): string =>
  JSON.stringify([series.map(({ kind, name, colour }) => [kind, name, colour]), everyS, isDays, isStacked]);
