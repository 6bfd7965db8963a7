"""The broker URL of an application: a Redis URL whose query may name the namespace, dead letters and archive.

A namespace with several shards has a URL for each. The first one's query says which of them a worker serves.
"""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, urlencode

NAMESPACE = "faust"
"""The namespace of an application that names none."""

BETWEEN_URLS = r",(?=[a-z][a-z0-9+]*:/)"
"""The commas between URLs; an option of a URL may hold others."""

OPTIONS: tuple[str, ...] = ("namespace", "dead_letters", "shard", "archive")


def split_urls(text: str) -> list[str]:
    """Return the URLs of a list that is separated by commas: one for each shard of a namespace.

    A URL with the option ``shards=3`` stands for three: the shards are slots of one cluster.

    Raises:
        ValueError: the option is 0.
    """
    urls: list[str] = []
    for url in re.split(BETWEEN_URLS, text):
        found = re.search(r"[?&]shards=(\d+)", url)
        bare = re.sub(r"(?<=[?&])shards=\d+&?", "", url).rstrip("?&")
        count = int(found[1]) if found else 1
        if count == 0:
            raise ValueError("shards=0 names no shard: expected 1 or more")
        urls += [bare] * count
    return urls


def split_options(url: str) -> tuple[str, dict[str, str]]:
    """Return the URL or list of URLs without our options (`OPTIONS`), which the first has, and those options."""
    first, *others = re.split(BETWEEN_URLS, url)
    address, _, query = first.partition("?")
    if address.startswith("unix:/") and not address.startswith("unix://"):
        address = "unix://" + address.removeprefix("unix:")  # as yarl writes a URL without host
    options = dict(parse_qsl(query))
    ours: dict[str, str] = {name: options.pop(name) for name in OPTIONS if name in options}
    own = address + ("?" + urlencode(options) if options else "")
    return ",".join([own, *others]), ours
