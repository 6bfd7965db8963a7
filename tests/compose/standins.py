"""Images that stand in for official ones where no image registry can be reached. Uses only the standard library."""

from __future__ import annotations

import re
import shutil
import tempfile
from pathlib import Path

from contracts.toolchain.tools import BuildError
from contracts.toolchain.tools import provide as provide_program
from deploy import images
from tests.cluster import binaries
from tests.compose.podman import COMPOSE, say
from tests.support.devnet_tool import DEVNET

FOLDER = Path(__file__).with_name("standins")
LOCK = images.ROOT / "deploy" / "locks" / "test.txt"
JAEGER = binaries.Source("jaeger", "github.com/jaegertracing/jaeger", "v1.76.0", (("cmd/jaeger",),))
"""Its version 2.13.0: both have the same sources, and Go knows them by the number of version 1."""

DEVNET_IMAGE = "starknet-devnet-rs"


def official() -> dict[str, str]:
    """Return the image of each service that is not the product's."""
    pairs = re.findall(
        r"^  (\S+):(?: &\S+)?\n(?:    .*\n)*?    image: (\S+)$", COMPOSE.read_text("utf-8"), re.MULTILINE
    )
    return {service: image for service, image in pairs if not image.startswith("localhost/")}


def provide(builder: images.Builder) -> dict[str, str | None]:
    """Return the image of each service: the official one, else one made here, else None. Say which are which."""
    found = {image: _provided(builder, image) for image in sorted(set(official().values()))}
    return {service: found[image] for service, image in official().items()}


def _provided(builder: images.Builder, image: str) -> str | None:
    if builder.has(image) or builder.pull(image):
        return image
    name = image.rpartition("/")[2].partition(":")[0]
    if not (FOLDER / f"{name}.Dockerfile").exists():
        say(f"{image} cannot be fetched, and nothing stands in for it")
        return None
    made = f"localhost/astratrade-standin-{name}:latest"
    say(f"{image} cannot be fetched; {made} stands in")
    try:
        build(builder, name, made)
    except (binaries.CannotBuildError, BuildError) as error:
        say(str(error))
        return None
    return made


def build(builder: images.Builder, name: str, tag: str) -> None:
    """Build a stand-in in a folder that holds its files.

    Raises:
        CannotBuildError: its program cannot be compiled here.
        BuildError: likewise, of devnet.
    """
    with tempfile.TemporaryDirectory() as temporary:
        context = Path(temporary)
        shutil.copytree(FOLDER, context, dirs_exist_ok=True)
        shutil.copy(LOCK, context)
        if name == JAEGER.name:
            binaries.provide((JAEGER,))
            shutil.copy(binaries.folder(JAEGER) / "jaeger", context)
        if name == DEVNET_IMAGE:
            shutil.copy(provide_program(DEVNET), context)
        builder.build(FOLDER / f"{name}.Dockerfile", tag, context=context)
