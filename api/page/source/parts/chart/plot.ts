// Draws a picture with uPlot. It is loaded when the first chart appears, and not by the first view.

import uPlot from "uplot";

import { columnsOf, drawn, type Series } from "../../data/drawing.ts";
import { candles } from "./candles.ts";
import { colourOf } from "./colours.ts";
import { timesOf } from "./times.ts";

const HEIGHT = 240; // pixels
const DAYS_HEIGHT = 30; // pixels of an axis with one line
const HOURS_HEIGHT = 46;
const HOUR_S = 3_600;
const DAYS = [1, 2, 3, 7, 14, 30, 60, 90, 180, 365, 730, 1825].map((days) => days * 86_400); // between the marks of an axis of days
const STEPS = Array.from({ length: 15 }, (_, power) => [1, 2, 5].map((step) => step * 10 ** power)).flat(); // of an axis of whole numbers
const LOW_PART = 5; // low bars take a fifth of the height

export interface Picture {
  times: readonly number[];
  series: readonly Series[];
  /** The length of a window in seconds; 0 for moments. */
  everyS: number;
  isDays: boolean;
  isStacked: boolean;
}

/** A picture on the page. `draw` shows other data of the same series. */
export interface Plot { draw: (picture: Picture) => void; end: () => void }

/** Draw into an element. `pointed` gets the place in the data to which the reader points; null for none. */
export function plot(element: HTMLElement, picture: Picture, pointed: (at: number | null) => void): Plot {
  const made = new uPlot(optionsOf(element, picture, pointed), dataOf(picture), element);
  const sizes = new ResizeObserver(() => { if (element.clientWidth) made.setSize({ width: element.clientWidth, height: HEIGHT }); });
  sizes.observe(element);
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const redraw = () => made.redraw(false, true);
  dark.addEventListener("change", redraw);
  return {
    draw: (now) => made.setData(dataOf(now)),
    end: () => {
      sizes.disconnect();
      dark.removeEventListener("change", redraw);
      made.destroy();
    },
  };
}

/** Return the arrays for uPlot. Stacked bars come the highest first, so that the lower ones are drawn over them. */
function dataOf({ times, series, isStacked }: Picture): uPlot.AlignedData {
  const arrays = drawn(series, isStacked);
  return [[...times], ...(isStacked ? arrays.reverse() : arrays)];
}

function optionsOf(element: HTMLElement, picture: Picture, pointed: (at: number | null) => void): uPlot.Options {
  const { series, everyS, isDays, isStacked } = picture;
  const names = timesOf(isDays);
  const numbers = new Intl.NumberFormat(navigator.language, { notation: "compact", maximumSignificantDigits: 6 });
  const axis = { stroke: () => colourOf("soft"), grid: { stroke: () => colourOf("line"), width: 1 }, ticks: { show: false }, font: "12px system-ui" };
  const shown = series.flatMap(seriesOf);
  const isWhole = drawn(series, isStacked).flat().every((value) => value === null || Number.isInteger(value));
  const hasOnlyBars = series.every(({ kind }) => kind === "bars");
  return {
    width: element.clientWidth || 1,
    height: HEIGHT,
    tzDate: (second) => (isDays ? uPlot.tzDate(new Date(second * 1000), "Etc/UTC") : new Date(second * 1000)),
    legend: { show: false },
    cursor: { drag: { x: false, y: false }, y: false, points: { size: 6 } },
    scales: {
      x: { range: ({ data: [times] }) => padded(times?.[0] ?? 0, times?.[times.length - 1] ?? 0, everyS) },
      y: hasOnlyBars ? { range: { min: { soft: 0, mode: 1 }, max: { soft: 0, mode: 1, pad: 0.1 } } } : {},
      low: { range: (_, __, max) => [0, (max || 1) * LOW_PART] },
    },
    axes: [
      { ...axis, values: (_, splits, __, ___, apart) => names.along(splits, apart), space: 80, ...(isDays ? { size: DAYS_HEIGHT, incrs: DAYS } : { size: HOURS_HEIGHT }) },
      { ...axis, values: (_, splits) => splits.map((split) => numbers.format(split)), size: 64, ...(isWhole ? { incrs: STEPS } : {}) },
    ],
    series: [{}, ...(isStacked ? shown.reverse() : shown)],
    hooks: {
      draw: series.some(({ kind }) => kind === "candles") ? [candles(series)] : [],
      setLegend: [(self) => pointed(self.cursor.idx ?? null)],
    },
  };
}

/** Return the range of the times with room for the bars at its ends. */
const padded = (min: number, max: number, everyS: number): [number, number] => {
  const room = everyS ? everyS * 0.6 : min === max ? HOUR_S : 0;
  return [min - room, max + room];
};

function seriesOf(series: Series): uPlot.Series[] {
  const points = { show: false };
  if (series.kind === "candles") return columnsOf(series).map(() => ({ paths: () => null, points }));
  const colour = () => colourOf(series.colour ?? "accent");
  if (series.kind === "line") return [{ stroke: colour, width: 2, points: { size: 5, fill: colour } }];
  const paths = uPlot.paths.bars?.({ size: [0.75, 40] }) as uPlot.Series.PathBuilder;
  return [{ stroke: colour, fill: colour, width: 0, paths, points, ...(series.isLow ? { scale: "low", alpha: 0.45 } : {}) }];
}
