"""What the Dockerfile promises, read from the file. `python -m tests.images` builds it and runs it."""

import json
import re

from deploy import healthcheck
from deploy.settings import Settings
from tests.source import ROOT

DOCKERFILE = (ROOT / "deploy" / "Dockerfile").read_text("utf-8")
STAGES = re.split(r"^FROM ", DOCKERFILE, flags=re.MULTILINE)[1:]
LAST = STAGES[-1]


def instructions(name: str) -> list[str]:
    """Return the arguments of an instruction in the last stage, continued lines joined."""
    return re.findall(rf"^{name} (.*)", LAST.replace("\\\n", ""), re.MULTILINE)


def test_both_stages_have_the_same_base_and_the_last_one_installs_nothing() -> None:
    assert [stage.split()[0] for stage in STAGES] == ["${PYTHON_IMAGE}", "${PYTHON_IMAGE}"]
    assert not re.search(r"\b(pip|apt-get|gcc|curl|wget)\b", LAST)


def test_packages_are_installed_by_digest_only() -> None:
    installs = re.findall(r"pip install (.*)", STAGES[0])
    assert installs
    for arguments in installs:
        assert "--no-deps" in arguments
        assert "--require-hashes -r deploy/locks/" in arguments or "./" in arguments


def test_the_container_runs_as_a_user_without_rights_and_writes_its_data_only() -> None:
    [user] = instructions("USER")
    assert re.fullmatch(r"[1-9]\d{3,}:[1-9]\d{3,}", user), "a number, so that Kubernetes can tell that it is not root"
    assert instructions("VOLUME") == ["/data"]


def test_each_service_has_a_port_of_its_own_which_the_health_check_asks() -> None:
    [environment] = instructions("ENV")
    ports = dict(re.findall(r"(ASTRA_\w+_PORT)=(\d+)", environment))
    settings = {f"ASTRA_{name.upper()}" for name in Settings.model_fields if name.endswith("_port")}
    assert ports.keys() == settings == {"ASTRA_API_PORT", *healthcheck.PORTS}
    assert len(set(ports.values())) == len(ports)
    assert {*instructions("EXPOSE")[0].split()} == {*ports.values()}
    [check] = instructions("HEALTHCHECK")
    command = json.loads(check[check.index("[") :])
    assert command == ["python", "-m", healthcheck.__name__]


def test_nothing_but_the_packages_sources_reaches_the_build() -> None:
    allowed = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line.startswith("!")]
    assert "*" in (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    assert not {"!tests", "!docs", "!data", "!.git"} & {*allowed}
