"""The licences of installed distributions, as SPDX expressions, and those that we accept."""

from __future__ import annotations

import re
from email.message import Message

ACCEPTED = frozenset({
    "0BSD", "Apache-2.0", "BSD-2-Clause", "BSD-3-Clause", "ISC", "MIT", "MIT-0", "MPL-2.0", "PSF-2.0", "Unlicense",
    "LicenseRef-BSD", "LicenseRef-Public-Domain", "LicenseRef-Repoze",
})  # fmt: skip
"""Permissive licences, and the Mozilla Public License, which binds its own files alone."""

UNSTATED_ACCEPTED = frozenset({"axe-playwright-python", "crypto-cpp-py", "poseidon-py", "promql-parser"})
"""Distributions whose metadata states no licence, of which we know. starknet-py needs crypto-cpp-py and
poseidon-py, which docs/risks.md has as open. The others, which tests alone use, have a file with the MIT licence."""

CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "BSD License": "LicenseRef-BSD",
    "MIT License": "MIT",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "Public Domain": "LicenseRef-Public-Domain",
    "Python Software Foundation License": "PSF-2.0",
    "Repoze Public License": "LicenseRef-Repoze",
}
TEXTS = {"3-Clause BSD License": "BSD-3-Clause", "Apache": "Apache-2.0"}
"""What the field `License` of protobuf and of kubernetes-validate says; their licence files say the same."""
UNSTATED = ""
_PREFIX = re.compile(r"License :: (OSI Approved :: )?")


def licence_of(metadata: Message) -> str:
    """Return the SPDX expression of a distribution's licence; empty when its metadata states none that we know.

    A distribution with several classifiers is under all of them.
    """
    expression = metadata.get("License-Expression")
    if expression:
        return str(expression)
    classifiers = [_PREFIX.sub("", str(one)) for one in metadata.get_all("Classifier", []) if _PREFIX.match(str(one))]
    named = [CLASSIFIERS[one] for one in classifiers if one in CLASSIFIERS]
    if named and len(named) == len(classifiers):
        return " AND ".join(named)
    text = str(metadata.get("License") or "").strip()
    text = TEXTS.get(text, text)
    return text if text in ACCEPTED else UNSTATED


def accepted(expression: str) -> bool:
    """Return whether an expression can be met by accepted licences alone. A choice (OR) needs one accepted side."""
    tokens = re.findall(r"\(|\)|[\w.+-]+", expression)
    value = _any_of(tokens)
    return value and not tokens


def _any_of(tokens: list[str]) -> bool:
    value = _all_of(tokens)
    while tokens and tokens[0] == "OR":
        tokens.pop(0)
        value = _all_of(tokens) or value
    return value


def _all_of(tokens: list[str]) -> bool:
    value = _one(tokens)
    while tokens and tokens[0] == "AND":
        tokens.pop(0)
        value = _one(tokens) and value
    return value


def _one(tokens: list[str]) -> bool:
    if not tokens:
        return False
    token = tokens.pop(0)
    if token != "(":  # noqa: S105 - a bracket
        return token in ACCEPTED
    value = _any_of(tokens)
    return bool(tokens) and tokens.pop(0) == ")" and value
