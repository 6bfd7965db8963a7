"""What each command costs in records: `python -m tests.community.costs`.

A community lives on the rules in dictionaries. For each kind of command the program counts the records of its chain:
the command itself, and every event that follows from it in any domain.
"""

# ruff: noqa: T201 - its purpose is to print

from __future__ import annotations

from collections import Counter, defaultdict
from statistics import mean

from tests.community.behaviour.life import Plan
from tests.community.cluster_life import ClusterBackend, lived
from tests.community.journal import TICK

PLAN = Plan(users=100, days=30, seed=1, activity=0.3)
DOMAINS = ("trading", "gamification", "financial", "social", "nft", "user", "notifications")


def costs(backend: ClusterBackend) -> dict[str, list[Counter[str]]]:
    """Return the records of each chain by domain, for each kind of entry. Ticks are left out."""
    chains: dict[str, Counter[str]] = defaultdict(Counter)
    for event in backend.cluster.events:
        chains[event.correlationid or event.id][event.type.split(".")[1]] += 1
    found: dict[str, list[Counter[str]]] = defaultdict(list)
    for entry in backend.journal:
        if entry.name != TICK:
            found[entry.name].append(chains[entry.id])
    return found


def main() -> None:
    """Print a table: the mean records of a command, the most of one, and the mean by domain."""
    print(f"{'command':<22}{'sent':>6}{'mean':>7}{'most':>6}  mean by domain")
    for name, chains in sorted(costs(lived(PLAN)).items()):
        totals = [chain.total() for chain in chains]
        parts = {domain: mean(chain[domain] for chain in chains) for domain in DOMAINS}
        shown = ", ".join(f"{domain} {share:.1f}" for domain, share in parts.items() if share >= 0.05)
        print(f"{name:<22}{len(chains):>6}{mean(totals):>7.1f}{max(totals):>6}  {shown}")


if __name__ == "__main__":
    main()
