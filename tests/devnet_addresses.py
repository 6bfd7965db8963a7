"""Write the addresses of the contracts on the chart's and compose's devnet: `python -m tests.devnet_addresses`.

They follow from devnet's seed, which gives the accounts, and from the contracts' classes. Run this after a contract has
been compiled anew.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from deploy.devnet import devnet_of
from tests.source import ROOT

ACCOUNTS: Final = (
    0x05731D1DBAA86885A1F3091EF567BCC1826979989F28E0C50BF938AAB665C23E,
    0x00F709C6E53CFDEEB6EE0EE3E6DF8C9AA208DE2C78141A56BFE9A0365B4F7542,
    0x0615C861125CD57680D299A56AC6ACA2203A157802853BA58FE33CA91D4E2902,
    0x0227E990052934309DE53ED6F0C9B5CBE833BDC9C0EAF53328240729D5A30B56,
    0x02BBAAABD35F942D14F74839B6878626872E181E7053F62D3C5D96380458B0A8,
    0x01E34F761133D943F1C81A5B7ADFE28B956BB2EA603F26FD507AA987833909A7,
)
"""The accounts of a devnet with this seed."""
SEED: Final = 7
FILES: Final = (
    ROOT / "deploy" / "compose.yaml",
    ROOT / "deploy" / "chart" / "astratrade" / "values-devnet.yaml",
)


def settings() -> Mapping[str, str]:
    """Return the settings as both files have them."""
    return devnet_of(ACCOUNTS).settings


def with_addresses(text: str) -> str:
    """Return a file with the present addresses."""
    for variable, value in settings().items():
        name = rf"{variable}|{variable.removeprefix('ASTRA_').lower()}"
        text, count = re.subn(rf'(?m)^(\s+(?:{name}): )".*"$', lambda found, value=value: f'{found[1]}"{value}"', text)  # type: ignore[misc]
        assert count == 1, variable
    return text


def write(path: Path) -> None:
    """Bring a file up to date."""
    path.write_text(with_addresses(path.read_text("utf-8")), "utf-8")


if __name__ == "__main__":
    for each in FILES:
        write(each)
        sys.stdout.write(f"{each.relative_to(ROOT)} is up to date\n")
