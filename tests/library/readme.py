"""The programs of the library's README, for the tests that run them."""

import re
from pathlib import Path

README = Path(__file__).parents[2] / "streams/faust-redis/README.md"
URL = "redis://localhost:6379"
PROGRAMS = {
    "shop.py": "@app.task",
    "batches": "@batch_agent",
    "test": "TestDriver",
    "admin": "Admin.connect",
    "hooks": "Meter(Hooks)",
}
"""Programs by a text that only they hold."""


def blocks(language: str) -> list[str]:
    """Return the code blocks of a language, in their order."""
    return re.findall(rf"^```{language}\n(.*?)^```$", README.read_text("utf-8"), re.MULTILINE | re.DOTALL)


def program(name: str, url: str) -> str:
    """Return one of `PROGRAMS` with another broker URL."""
    marker = PROGRAMS[name]
    [text] = [block for block in blocks("python") if marker in block]
    return text.replace(URL, url)


def _command() -> list[str]:
    [line] = [block for block in blocks("sh") if block.startswith("python shop.py")]
    return line.split()[2:]


COMMAND = _command()
"""What follows `python shop.py`."""


def printed(output: str) -> list[str]:
    """Return an application's output through Faust's logger, in an order that does not depend on partitions."""
    return sorted(line.partition("[WARNING] ")[2].strip() for line in output.splitlines() if "[WARNING] " in line)


OUTPUT = printed(blocks("text")[0])
"""What the README says it prints."""
