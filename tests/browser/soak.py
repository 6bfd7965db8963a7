"""Watch the dashboard under many updates a second: the time of its frames, and its memory.

    python -m tests.browser.soak [--minutes 60] [--updates 1000]

Fills go through the ingress, and their rate follows what the page receives. The figures are those of this machine:
worker, API, broker and Chromium share its cores. The command fails when memory grows, or when frames are dropped.
"""

from __future__ import annotations

import argparse
import itertools
import random
import statistics
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Self

import httpx
from playwright.sync_api import Browser, CDPSession, Page

from tests.browser.chromium import chromium
from tests.browser.looking import page_of, visit
from tests.browser.product import product
from tests.e2e.fills import fill
from tests.e2e.pipeline import Pipeline

EVERY_S: Final = 10.0
BATCH_S: Final = 0.1
FIRST_RATE: Final = 50.0
RATE_MAX: Final = 2_000.0
USERS: Final = 500
DROPPED_MS: Final = 50.0
"""A frame that lasts so long has missed two others."""
DROPPED_MAX: Final = 0.02
RATE_MIN: Final = 0.9
"""The rate that a soak must reach, as a share of the one that was asked for."""
GROWTH_MAX: Final = 1.25
"""The memory of the last third, as a multiple of that of the first."""
LINE: Final = "{:>8} {:>10} {:>12} {:>12} {:>10} {:>10} {:>8}\n"
COUNT: Final = """
(() => {
  const seen = { updates: 0, frames: [] };
  const parse = JSON.parse;
  JSON.parse = (...given) => {
    const value = parse(...given);
    if (value?.data?.rows) seen.updates += value.data.rows.length;
    return value;
  };
  let before = performance.now();
  const frame = (now) => { seen.frames.push(now - before); before = now; requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
  globalThis.soakSeen = () => { const was = { ...seen }; seen.updates = 0; seen.frames = []; return was; };
})()
"""
"""Counts rows where the page decodes messages, and times frames. It runs before the page's own scripts."""


@dataclass(frozen=True)
class Span:
    """What a page did in some seconds."""

    updates_a_s: float
    frames_ms: list[float]
    heap_mb: float
    nodes: int

    @property
    def dropped(self) -> float:
        """Return the share of frames that lasted too long."""
        return sum(one > DROPPED_MS for one in self.frames_ms) / max(1, len(self.frames_ms))

    @property
    def p99_ms(self) -> float:
        return sorted(self.frames_ms)[int(len(self.frames_ms) * 0.99)] if self.frames_ms else 0.0


class Sender(threading.Thread):
    """Sends fills of many users at `rate` a second."""

    def __init__(self, pipeline: Pipeline) -> None:
        super().__init__(daemon=True)
        self.rate = FIRST_RATE
        self.refused = ""
        self._client = pipeline.client_with(pipeline.token("venue", "venue-1"))
        self._ended = threading.Event()
        self._chance = random.Random(7)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join()
        self._client.close()

    def run(self) -> None:
        due, owed = time.monotonic(), 0.0
        while not self._ended.wait(max(0.0, due - time.monotonic())):
            due, owed = max(due + BATCH_S, time.monotonic()), owed + self.rate * BATCH_S
            if owed >= 1:
                fills = [self._fill() for _ in range(int(owed))]
                answer = self._client.post("/v1/fills", json={"fills": fills})
                if answer.status_code not in {httpx.codes.ACCEPTED, httpx.codes.TOO_MANY_REQUESTS}:
                    self.refused = answer.text
                    return
                owed -= int(owed)

    def _fill(self) -> dict[str, Any]:
        price = 60_000 + self._chance.randint(-500, 500)
        return fill(
            f"soaker-{self._chance.randrange(USERS)}",
            price=str(price),
            size="0.01",
            notional_usd=f"{price / 100:.2f}",
            executed_at=time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        )


def main(argv: list[str] | None = None) -> int:
    """Run the soak, print a line every ten seconds, and return the exit status."""
    options = parser().parse_args(argv)
    with tempfile.TemporaryDirectory() as directory, product(Path(directory)) as pipeline, chromium() as browser:
        spans = soak(pipeline, browser, options.minutes * 60, options.updates)
    return judged(spans, options.updates)


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    made = argparse.ArgumentParser(prog="python -m tests.browser.soak", description=(__doc__ or "").partition("\n")[0])
    made.add_argument("--minutes", type=float, default=60.0, help="how long")
    made.add_argument("--updates", type=float, default=1_000.0, help="rows a second that the page receives")
    return made


def soak(pipeline: Pipeline, browser: Browser, seconds: float, updates: float) -> list[Span]:
    """Watch the first view while fills come, and return what it did every ten seconds."""
    spans: list[Span] = []
    with page_of(browser, pipeline.url) as (page, faults), Sender(pipeline) as sender:
        page.add_init_script(COUNT)
        visit(page, "/")
        cdp = page.context.new_cdp_session(page)
        cdp.send("Performance.enable")
        page.evaluate("soakSeen()")
        sys.stdout.write(LINE.format("seconds", "fills/s", "updates/s", "frame p50", "p99 ms", "heap MB", "nodes"))
        for number in itertools.count(1):
            page.wait_for_timeout(EVERY_S * 1000)
            span = look(page, cdp)
            spans.append(span)
            report(number, sender.rate, span)
            sender.rate = min(RATE_MAX, sender.rate * min(2.0, updates / max(1.0, span.updates_a_s)))
            if number * EVERY_S >= seconds:
                break
        assert sender.refused == "", sender.refused
        assert faults.found == [], faults.found
    return spans


def look(page: Page, cdp: CDPSession) -> Span:
    """Return what the page did since the last look. Its memory is that after a collection of garbage."""
    seen = page.evaluate("soakSeen()")
    cdp.send("HeapProfiler.collectGarbage")
    metrics = {one["name"]: one["value"] for one in cdp.send("Performance.getMetrics")["metrics"]}
    page.evaluate("soakSeen().updates")  # the collection's pause is not the page's
    return Span(seen["updates"] / EVERY_S, seen["frames"], metrics["JSHeapUsedSize"] / 1e6, int(metrics["Nodes"]))


def report(number: int, rate: float, span: Span) -> None:
    p50 = statistics.median(span.frames_ms) if span.frames_ms else 0.0
    cells = f"{number * EVERY_S:.0f}", f"{rate:.0f}", f"{span.updates_a_s:.0f}", f"{p50:.1f}", f"{span.p99_ms:.1f}"
    sys.stdout.write(LINE.format(*cells, f"{span.heap_mb:.1f}", span.nodes))
    sys.stdout.flush()


def judged(spans: list[Span], asked: float) -> int:
    """Say whether the updates came, whether frames were dropped and whether memory grew; return the exit status."""
    third = max(1, len(spans) // 3)
    first, last = (statistics.median(one.heap_mb for one in part) for part in (spans[:third], spans[-third:]))
    frames = [one for span in spans[1:] or spans for one in span.frames_ms]
    dropped = sum(one > DROPPED_MS for one in frames) / max(1, len(frames))
    rate = statistics.median(span.updates_a_s for span in spans)
    sys.stdout.write(
        f"{rate:.0f} updates a second; {dropped:.2%} of {len(frames)} frames lasted over {DROPPED_MS:.0f} ms; "
        f"heap {first:.1f} MB in the first third, {last:.1f} MB in the last\n"
    )
    return 0 if rate >= asked * RATE_MIN and dropped <= DROPPED_MAX and last <= first * GROWTH_MAX else 1


if __name__ == "__main__":
    sys.exit(main())
