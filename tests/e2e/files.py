"""The fills to replay: the file that ASTRA_FILLS names, the shared one beside the repository, or the sample."""

import os
from pathlib import Path

ROOT = Path(__file__).parents[2]
SAMPLE = ROOT / "deploy/data/fills-sample.csv"
SHARED = ROOT.parent / "shared/data/perp-fills.csv"
VARIABLE = "ASTRA_FILLS"


def full_file() -> Path:
    """Return the largest real file that is available."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    return SHARED if SHARED.is_file() else SAMPLE
