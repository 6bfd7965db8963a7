"""The broker URL of an application: a Redis URL whose query may name the namespace, dead letters and archive.

A namespace with several shards has a URL for each. The first one's query says which of them a worker serves.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode

NAMESPACE = "faust"
"""The namespace of an application that names none."""

OPTIONS: tuple[str, ...] = ("namespace", "dead_letters", "shard", "archive")


def split_urls(text: str) -> list[str]:
    """Return the URLs of a list that is separated by commas: one for each shard of a namespace.

    A URL with the option ``shards=3`` stands for three: the shards are slots of one cluster.
    """
    urls: list[str] = []
    for url in re.split(r",(?=[a-z][a-z0-9+]*:/)", text):
        found = re.search(r"[?&]shards=(\d+)", url)
        bare = re.sub(r"(?<=[?&])shards=\d+&?", "", url).rstrip("?&")
        urls += [bare] * (int(found[1]) if found else 1)
    return urls


def split_options(url: str) -> tuple[str, dict[str, str]]:
    """Return the URL without the options that are ours (`OPTIONS`), and those options."""
    address, _, query = url.partition("?")
    if address.startswith("unix:/") and not address.startswith("unix://"):
        address = "unix://" + address.removeprefix("unix:")  # as yarl writes a URL without host
    options = dict(parse_qsl(query))
    ours: dict[str, str] = {name: options.pop(name) for name in OPTIONS if name in options}
    return address + ("?" + urlencode(options) if options else ""), ours
