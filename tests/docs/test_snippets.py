"""Run every snippet of the documentation: shell blocks against a running demo, Python blocks as programs."""

import shlex
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest
from faust_redis.log import Log

from contracts.clients.generate.__main__ import parser as clients_parser
from tests.archive import sizes
from tests.archive import soak as archive_soak
from tests.bench.command import bench
from tests.browser import measures, screenshots, soak
from tests.chain.__main__ import parser as chain_parser
from tests.chain.second_client.__main__ import parser as second_client_parser
from tests.cluster.__main__ import parser as cluster_parser
from tests.community.__main__ import parser as community_parser
from tests.compose.__main__ import parser as compose_parser
from tests.docs.demo import Demo
from tests.docs.snippets import PAGES, ShellCommand, Snippet, shell_commands, snippets
from tests.economy.__main__ import parser as economy_parser
from tests.faults.__main__ import parser as faults_parser
from tests.images.__main__ import parser as images_parser
from tests.load.command import parser as load_parser
from tests.observe.__main__ import parser as observe_parser
from tests.peers.__main__ import parse as parse_peers
from tests.simulation.__main__ import parser as simulation_parser
from tests.source import PYTHON_PATH, ROOT
from tests.unit.test_docs import known_tests
from tests.versions.__main__ import parser as versions_parser

EXTENDING = ROOT / "docs" / "extending.md"
"""The programs of this page are the files of one domain, which test_extending.py runs together."""

LIBRARY_README = ROOT / "streams" / "faust-redis" / "README.md"
"""tests/library/test_readme.py runs each program of this page, because one program imports another."""

PROGRAMS_RUN_ELSEWHERE = (EXTENDING, LIBRARY_README)

SNIPPETS = [
    snippet
    for page in PAGES
    for snippet in snippets(page)
    if snippet.language != "python" or page not in PROGRAMS_RUN_ELSEWHERE
]
PROGRAM_S = 60.0
ON_THE_DEMO_IN_CI = 12
LIBRARY_BROKER = "redis://localhost:6379"

COVERED = {
    "python3 deploy/bootstrap.py demo": "test_one_command_runs_all_survives_a_killed_worker_and_stops_clean",
    "python3 deploy/bootstrap.py test": "test_every_check_runs_and_a_failure_ends_the_script_with_its_status",
    "python3 deploy/bootstrap.py test --quick": "test_every_check_runs_and_a_failure_ends_the_script_with_its_status",
    "python3 deploy/bootstrap.py contracts": "test_a_build_makes_the_committed_classes",
    "python3 deploy/bootstrap.py contracts --check": "test_the_check_passes_for_the_committed_classes_alone",
    "python3 deploy/bootstrap.py page": "test_a_build_gives_the_same_bytes_again",
    "python3 deploy/bootstrap.py page --check": "test_the_lock_names_every_source_and_every_built_file",
    "astratrade dev --replay sample": "test_one_command_runs_all_survives_a_killed_worker_and_stops_clean",
    "astratrade dev --workers trading=2,gamification=1": "test_each_domain_can_have_processes_of_its_own",
    "astratrade dev --shards 3 --port 0 --data-dir sharded": "test_shards_have_servers_and_workers_of_their_own",
    "astratrade dev": "test_the_spans_of_a_fill_are_the_tree_of_its_events_from_request_to_feed",
    "astratrade acl --password-file broker-password --operator-password-file operator-password '>' users.acl": (
        "test_the_product_runs_under_its_own_user_and_no_command_is_allowed_without_need"
    ),
    "astratrade indexer": "test_kills_and_reorganisations",
    "astratrade settlement": "test_the_settlement_process_waits_for_its_node",
    "astratrade sink": "test_a_requested_mint_becomes_a_token_that_its_user_sees",
    "astratrade audit chain": "test_the_commands_deploy_check_and_audit",
    "astratrade chain deploy --plan plan.toml --keystore deployer.json": "test_the_command_is_killed_and_continues",
    "astratrade chain accept --plan plan.toml --keystore owner.json": "test_the_command_is_killed_and_continues",
    "astratrade audit": "test_one_command_audits_everything",
    "astratrade bench memory": "test_every_kind_of_act_is_accepted",
    "astratrade chain verify --plan plan.toml": "test_the_command_is_killed_and_continues",
    "astratrade chain status": "test_the_commands_deploy_check_and_audit",
    "astratrade relay": "test_the_process_publishes_serves_its_probes_and_ends_at_a_signal",
    "astratrade webhooks": "test_the_process_posts_serves_its_probes_and_ends_at_a_signal",
    "astratrade clock": "test_the_process_ticks_serves_its_probes_and_ends_at_a_signal",
    "astratrade boards verify xp week:2024-W38 --user trader-2 --proof proof.json": (
        "test_the_command_checks_a_proof_from_a_file"
    ),
    "astratrade keys retire KID": "test_the_command_lists_rotates_and_retires",
    "python3 deploy/images.py": "test_the_demo_runs_with_a_read_only_root_and_no_capabilities_and_ends_with_status_0",
    "podman run --rm --read-only --tmpfs /tmp --cap-drop all -p 8000:8000 localhost/astratrade dev --replay sample": (
        "test_the_demo_runs_with_a_read_only_root_and_no_capabilities_and_ends_with_status_0"
    ),
    "docker compose -f deploy/compose.yaml up --build --detach": (
        "test_one_command_brings_up_all_services_and_each_is_healthy"
    ),
    "docker compose -f deploy/compose.yaml exec gateway astratrade replay sample --url http://127.0.0.1:8000": (
        "test_the_packaged_fills_give_what_the_oracle_computes"
    ),
    "python3 -m tests.compose --up": "test_one_command_brings_up_all_services_and_each_is_healthy",
    "python3 -m tests.compose --down": "test_down_leaves_no_container_volume_or_network",
    "docker compose -f deploy/compose.yaml down": "test_down_and_up_keep_secrets_and_data",
    "docker compose -f deploy/compose.yaml down --volumes": "test_down_leaves_no_container_volume_or_network",
    "helm install servers deploy/chart/servers --wait": (
        "test_the_installed_product_serves_what_the_oracle_computes_of_the_packaged_fills"
    ),
    "helm install astratrade deploy/chart/astratrade --values deploy/chart/astratrade/values-staging.yaml --wait": (
        "test_the_installed_product_serves_what_the_oracle_computes_of_the_packaged_fills"
    ),
    "helm install servers deploy/chart/servers --set devnet.enabled=true --wait": (
        "test_fees_are_settled_once_while_pods_of_the_chain_are_killed"
    ),
    "helm install astratrade deploy/chart/astratrade --values deploy/chart/astratrade/values-staging.yaml"
    " --values deploy/chart/astratrade/values-devnet.yaml --wait": (
        "test_fees_are_settled_once_while_pods_of_the_chain_are_killed"
    ),
    "docker compose -f deploy/compose.yaml --profile chain up --build --detach": (
        "test_one_command_brings_up_all_services_and_each_is_healthy"
    ),
    "docker compose -f deploy/compose.yaml exec settlement astratrade audit chain": (
        "test_fees_are_settled_on_the_devnet_to_the_unit"
    ),
    "helm test astratrade": "test_helms_test_finds_the_gateway_by_name_and_no_setting_that_loses_data",
    "helm upgrade astratrade deploy/chart/astratrade --reset-then-reuse-values --set image.tag=0.2.0 --wait": (
        "test_a_rolling_change_under_load_fails_no_request_and_loses_nothing"
    ),
    "helm rollback astratrade --wait": "test_a_rolling_change_under_load_fails_no_request_and_loses_nothing",
    "valkey-server --aclfile users.acl": (
        "test_the_product_runs_under_its_own_user_and_no_command_is_allowed_without_need"
    ),
    "python shop.py worker --without-web --loglevel warn": (
        "test_the_application_prints_what_the_readme_says_and_the_admin_client_describes_it"
    ),
    "faust-redis tables get shop-totals ada": "test_the_wheel_alone_runs_the_readmes_application_and_an_example",
}
"""Commands that a test of their own runs: they need a fresh machine, or a Kafka."""

SUITES: dict[str, Callable[[list[str]], object]] = {
    "tests.simulation": lambda arguments: simulation_parser().parse_args(arguments),
    "tests.community": lambda arguments: community_parser().parse_args(arguments),
    "tests.faults": lambda arguments: faults_parser().parse_args(arguments),
    "tests.peers": parse_peers,
    "tests.bench": lambda arguments: bench.make_context("bench", arguments),
    "tests.load": lambda arguments: load_parser().parse_args(arguments),
    "contracts.clients.generate": lambda arguments: clients_parser().parse_args(arguments),
    "tests.chain.second_client": lambda arguments: second_client_parser().parse_args(arguments),
    "tests.chain": lambda arguments: chain_parser().parse_known_args(arguments),  # pytest gets the others
    "tests.economy": lambda arguments: economy_parser().parse_args(arguments),
    "tests.cluster": lambda arguments: cluster_parser().parse_args(arguments),
    "tests.compose": lambda arguments: compose_parser().parse_args(arguments),
    "tests.browser": lambda arguments: arguments,  # pytest gets them
    "tests.browser.screenshots": lambda arguments: screenshots.parser().parse_args(arguments),
    "tests.browser.measures": lambda arguments: measures.parser().parse_args(arguments),
    "tests.browser.soak": lambda arguments: soak.parser().parse_args(arguments),
    "tests.images": lambda arguments: images_parser().parse_args(arguments),
    "tests.observe": lambda arguments: observe_parser().parse_args(arguments),
    "tests.archive.sizes": lambda arguments: sizes.parser().parse_args(arguments),
    "tests.archive.soak": lambda arguments: archive_soak.parser().parse_args(arguments),
    "tests.versions": lambda arguments: versions_parser().parse_args(arguments),
    "tests.kafka": lambda arguments: arguments,
    "tests.docs.import_graph": lambda arguments: arguments,
    "tests.docs.generated": lambda arguments: arguments,
    "tests.event_schemas": lambda arguments: arguments,
    "tests.row_layouts": lambda arguments: arguments,
}
"""Heavy suites. CI runs a slice of each; here their arguments are only checked."""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    with Demo(tmp_path_factory.mktemp("demo")) as running:
        yield running


def of(language: str) -> list[Snippet]:
    return [snippet for snippet in SNIPPETS if snippet.language == language]


def text_of(command: ShellCommand) -> str:
    return command.text.removeprefix(".venv/bin/")


def is_only_checked(command: ShellCommand) -> bool:
    """Return whether another test runs the command, or the command is a heavy suite."""
    words = shlex.split(text_of(command))
    return (
        on_kafka(command)
        or text_of(command) in COVERED
        or words[:2] == ["python", "-m"]
        or words[0] in {"pytest", "pip"}
    )


def on_kafka(command: ShellCommand) -> bool:
    """Return whether a command needs a Kafka; tests/kafka/test_dev_on_kafka.py runs those."""
    return command.variables.get("ASTRA_BROKER_URL", "").startswith("kafka://")


def on_the_demo() -> list[Snippet]:
    """Return the shell blocks with a command that runs on the demo."""
    return [one for one in of("sh") if not all(map(is_only_checked, shell_commands(one.text)))]


def check(command: ShellCommand) -> None:
    """Check a command without running it."""
    words = shlex.split(text_of(command))
    if on_kafka(command):
        assert "test_dev_on_kafka" in known_tests()
    elif words[:2] == ["python", "-m"]:
        SUITES[words[2]](words[3:])
    elif words[0] == "pytest":
        paths = [word for word in words[1:] if not word.startswith("-")]
        assert paths
        assert all((ROOT / path).exists() for path in paths), f"{command.text}: no such path"
    elif words[0] == "pip":
        assert words[1] == "install"
    else:
        assert COVERED[text_of(command)] in known_tests(), f"{command.text}: its test is gone"


@pytest.mark.parametrize("snippet", of("sh"), ids=lambda snippet: snippet.name)
def test_the_commands_of_a_page_are_run_by_a_test(snippet: Snippet) -> None:
    commands = shell_commands(snippet.text)
    assert commands, "a shell block without a command"
    for command in filter(is_only_checked, commands):
        check(command)


@pytest.mark.slow
@pytest.mark.sample(ON_THE_DEMO_IN_CI)
@pytest.mark.parametrize("snippet", on_the_demo(), ids=lambda snippet: snippet.name)
def test_the_commands_of_a_page_do_what_they_should(snippet: Snippet, demo: Demo) -> None:
    for command in shell_commands(snippet.text):
        if not is_only_checked(command):
            demo.run(command)


@pytest.mark.parametrize("snippet", of("python"), ids=lambda snippet: snippet.name)
def test_the_programs_of_a_page_run(snippet: Snippet, broker_url: str, log: Log, tmp_path: Path) -> None:
    address = f"{broker_url}{'&' if '?' in broker_url else '?'}namespace={log.keys.namespace}"
    program = tmp_path / "snippet.py"
    program.write_text(snippet.text.replace(LIBRARY_BROKER, address), "utf-8")
    run_program(["-c", RUNNER, str(program)], tmp_path)


RUNNER = """
import runpy, sys
names = runpy.run_path(sys.argv[1], run_name="snippet")
for name, value in names.items():
    if name.startswith("test_") and callable(value):
        value()
"""
"""A program's own functions named ``test_…`` are its proof, and are called."""


def run_program(arguments: Sequence[str], directory: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-P", *arguments],
        env={"PYTHONPATH": PYTHON_PATH, "PATH": str(Path(sys.executable).parent), "HOME": str(directory)},
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=PROGRAM_S,
        check=False,
    )
    assert done.returncode == 0, f"status {done.returncode}\n{done.stdout}{done.stderr}"
