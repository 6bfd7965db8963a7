"""Let a headless Chromium draw an SVG picture as a PNG, where there is one."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome")
WITHIN_S: Final = 60.0


def browser() -> str | None:
    """Return the path of a Chromium; None where there is none."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def screenshot(program: str, svg: Path) -> Path:
    """Write the picture beside its SVG, in its size, and return its path."""
    root, png = ET.parse(svg).getroot(), svg.with_suffix(".png")
    with tempfile.TemporaryDirectory() as profile:
        options = ["--headless", "--no-sandbox", "--hide-scrollbars", f"--user-data-dir={profile}"]
        size = f"--window-size={root.get('width')},{root.get('height')}"
        command = [program, *options, size, f"--screenshot={png.resolve()}", svg.resolve().as_uri()]
        subprocess.run(command, check=True, capture_output=True, timeout=WITHIN_S, env={**os.environ, "HOME": profile})
    return png
