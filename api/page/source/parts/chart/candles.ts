// Draws candles: a wick from low to high, and a body between open and close. A rise is hollow, a fall is filled.

import type uPlot from "uplot";

import { columnsOf, type Series } from "../../data/drawing.ts";
import { colourOf } from "./colours.ts";

const BODY_PART = 0.7; // of the distance between two candles
const BODY_MAX = 16; // pixels of the screen

/** Return what draws the candles among these series, when uPlot has drawn the rest. */
export function candles(series: readonly Series[]): (plot: uPlot) => void {
  const at = series.findIndex(({ kind }) => kind === "candles");
  const first = 1 + series.slice(0, at).flatMap(columnsOf).length;
  return (plot) => {
    const [times] = plot.data;
    const [opens, highs, lows, closes] = [0, 1, 2, 3].map((part) => plot.data[first + part]);
    if (!times || !opens || !highs || !lows || !closes) return;
    const ratio = devicePixelRatio;
    const { ctx } = plot;
    const x = (value: number) => plot.valToPos(value, "x", true);
    const y = (value: number) => plot.valToPos(value, "y", true);
    const width = Math.max(ratio, Math.min(BODY_MAX * ratio, spaceOf(times, x) * BODY_PART));
    const [up, down, panel] = [colourOf("up"), colourOf("down"), colourOf("panel")];
    ctx.save();
    ctx.beginPath();
    ctx.rect(plot.bbox.left, plot.bbox.top, plot.bbox.width, plot.bbox.height);
    ctx.clip();
    ctx.lineWidth = ratio;
    times.forEach((time, index) => {
      const [open, high, low, close] = [opens[index], highs[index], lows[index], closes[index]];
      if (open == null || high == null || low == null || close == null) return;
      const rises = close >= open;
      ctx.strokeStyle = rises ? up : down;
      ctx.fillStyle = rises ? panel : down;
      const middle = Math.round(x(time));
      ctx.beginPath();
      ctx.moveTo(middle, y(high));
      ctx.lineTo(middle, y(low));
      ctx.stroke();
      const [top, bottom] = [y(Math.max(open, close)), y(Math.min(open, close))];
      const body: [number, number, number, number] = [middle - width / 2, top, width, Math.max(ratio, bottom - top)];
      ctx.fillRect(...body);
      ctx.strokeRect(...body);
    });
    ctx.restore();
  };
}

/** Return the least distance between two times that follow each other, in pixels of the canvas. */
function spaceOf(times: ArrayLike<number>, x: (value: number) => number): number {
  let least = Infinity;
  for (let index = 1; index < times.length; index += 1) {
    least = Math.min(least, x(times[index] as number) - x(times[index - 1] as number));
  }
  return least;
}
