"""One run of a variant: start it, let its people settle in, ramp, profile the limit, and check the end state."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from tests.bench import machine
from tests.load import final, processors, profiles
from tests.load.clients import Clients
from tests.load.options import Options, Slo
from tests.load.people import LoadBackend, Rounds
from tests.load.requests import counts, step_of
from tests.load.result import StepResult, result_of
from tests.load.search import Judged, Limits, search
from tests.load.stepping import Stepper
from tests.load.variants import Collected, LoadInstallation, Variant
from tests.load.verdict import bottleneck, broken, invalid, is_client

Say = Callable[[str], None]
PROFILED = 2
"""How many processes are sampled: the one that used most, and the next."""


class Run(msgspec.Struct, kw_only=True):
    """What a run found; the report is made from it.

    Attributes:
        real_time: Whether clients and watch got a core whenever they wanted one.
        good: The highest rate that kept the SLO; `broke` is the lowest that did not.
        steps: In the order in which they ran.
        profiled: The step that ran under the profiler, if one did.
        failures: What was wrong at the end; nothing when all is well.
    """

    variant: str
    title: str
    date: str
    machine: dict[str, str]
    options: dict[str, str]
    slo: Slo
    real_time: bool = False
    good: float | None = None
    broke: float | None = None
    steps: list[StepResult] = msgspec.field(default_factory=list)
    profiled: StepResult | None = None
    profiles: list[profiles.Profile] = msgspec.field(default_factory=list)
    notes: list[str] = msgspec.field(default_factory=list)
    failures: list[str] = msgspec.field(default_factory=list)
    seconds: float = 0.0


def run(options: Options, variant: Variant, say: Say) -> Run:
    """Run a variant."""
    began = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="load-") as directory,
        LoadInstallation(Path(directory) / "run", variant) as installation,
    ):
        say(f"{variant.title}: started in {time.monotonic() - began:.0f} s")
        found = asyncio.run(_Load(options, variant, installation, Path(directory), say).run())
    found.seconds = round(time.monotonic() - began, 1)
    return found


class _Load:
    def __init__(
        self, options: Options, variant: Variant, installation: LoadInstallation, directory: Path, say: Say
    ) -> None:
        self._options, self._installation, self._say = options, installation, say
        self._directory = directory
        self._found = Run(
            variant=variant.name,
            title=variant.title,
            date=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            machine=machine.describe(),
            options={
                name: str(getattr(options, name)) for name in options.__dataclass_fields__ if name not in ("out", "slo")
            },
            slo=options.slo,
        )

    async def run(self) -> Run:
        """Do everything in turn."""
        options, installation = self._options, self._installation
        clients = Clients(
            installation.url, self._directory / "clients",
            generators=options.generators, streams=options.streams, sockets=options.sockets,
        )  # fmt: skip
        async with LoadBackend(installation, options.seed) as backend:
            self._rounds = Rounds(options.users, options.seed, backend)
            self._backend = backend
            await self._settle_in()
            with processors.real_time() as self._found.real_time:
                await clients.start()
            async with clients:
                self._stepper = Stepper(installation, backend, clients)
                limits = await search(
                    self._measure, first=options.first, growth=options.growth, steps=options.steps,
                    halvings=options.halvings,
                )  # fmt: skip
                self._found.good, self._found.broke = limits.good, limits.broken
                await self._profile(limits)
            if (collected := installation.collected()) is not None:
                self._note(f"the collector of traces got {collected.requests:,} requests, {collected.bytes:,} bytes")
            self._found.failures = untraced(collected)
            self._found.failures += await final.check(backend.log, backend.journal, installation.partitions, self._say)
        return self._found

    async def _settle_in(self) -> None:
        began = time.monotonic()
        for _ in range(self._options.warm_up):
            await self._rounds.live_round(self._options.users, self._options.users)
        seconds = time.monotonic() - began
        self._say(f"{len(self._rounds.town.people):,} people settled in, {seconds:.0f} s")

    async def _step(self, rate: float) -> StepResult:
        options = self._options
        _, batches, commands = counts(options.mix, rate, options.seconds)
        round_ = await self._rounds.next(commands, batches * options.mix.fills)
        readers = [person.id for person in self._rounds.town.present]
        seed = f"{options.seed} {len(self._found.steps)}"
        step = step_of(
            round_, self._backend, readers, options.mix, rate=rate, arrivals=options.arrivals, seed=seed
        )  # fmt: skip
        if step.seconds < options.seconds * 0.7:
            self._note(f"at {rate:.0f}/s the step was {step.seconds:.1f} s long: the people are too few; use --users")
        raw = await self._stepper.run(step)
        if options.raw:
            name = f"{self._found.variant}-{len(self._found.steps)}-raw.json"
            options.out.mkdir(parents=True, exist_ok=True)
            (options.out / name).write_bytes(msgspec.json.encode(raw))
        return result_of(raw)

    async def _measure(self, rate: float) -> Judged:
        result = await self._step(rate)
        self._found.steps.append(result)
        if (why := invalid(result, self._options.slo)) is not None:
            self._say(f"{rate:6.0f}/s invalid: {why}")
            return "invalid"
        what = broken(result, self._options.slo)
        found = bottleneck(result)
        self._say(f"{rate:6.0f}/s {'; '.join(what) or _good(result)}; held by {found.name}, load {result.load:.1f}")
        return "broken" if what else "good"

    async def _profile(self, limits: Limits) -> None:
        """Run one more step at the limit under the profiler. Its figures count for nothing else."""
        rate = limits.broken or limits.good
        if not self._options.profile or rate is None:
            return
        if profiles.recorder() is None:
            self._note("py-spy is not installed: no process was profiled")
            return
        ours = self._installation.pids()
        last = next(step for step in self._found.steps if step.rate == rate)
        ranked = sorted(ours, key=lambda name: -last.processes[name].cpu)
        names = [name for name in ranked if name != "broker" and not is_client(name)][:PROFILED]
        recording = asyncio.gather(
            *(profiles.record(name, ours[name], self._options.seconds, self._stacks(name)) for name in names),
            return_exceptions=True,
        )
        self._found.profiled = await self._step(rate)
        for found in await recording:
            if isinstance(found, profiles.Profile):
                self._found.profiles.append(found)
            else:
                self._note(str(found))

    def _stacks(self, process: str) -> Path:
        """Return the file of a profile, which a flame graph can be drawn from."""
        self._options.out.mkdir(parents=True, exist_ok=True)
        return self._options.out / f"{self._found.variant}-{process}.stacks"

    def _note(self, text: str) -> None:
        self._found.notes.append(text)
        self._say(text)


def untraced(collected: Collected | None) -> list[str]:
    """Return what is wrong with the traces of a run: nothing when there are some, or when none were wanted."""
    return ["the product was to export traces, and exported none"] if collected and not collected.requests else []


def _good(result: StepResult) -> str:
    late = result.due_visible["all"]
    return f"good: due to visible p50 {late.p50:.0f} ms, p99 {late.p99:.0f} ms"
