"""The command line: every command explains itself with an example; an error is one line and a status."""

from collections.abc import Iterator
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from deploy.cli import main as module
from deploy.cli.main import cli


def commands(group: click.Group, prefix: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    context = click.Context(group)
    for name in group.list_commands(context):
        command = group.get_command(context, name)
        assert command is not None, name
        yield (*prefix, name), command
        if isinstance(command, click.Group):
            yield from commands(command, (*prefix, name))


ALL = [pytest.param(path, command, id=" ".join(path)) for path, command in commands(cli)]


@pytest.mark.parametrize(("path", "command"), ALL)
def test_every_command_has_help_with_an_example_and_described_options(
    path: tuple[str, ...], command: click.Command
) -> None:
    result = CliRunner().invoke(cli, [*path, "--help"])
    assert result.exit_code == 0
    assert f"astratrade {path[0]}" in result.output.partition("Example")[2]
    assert all(option.help for option in command.params if isinstance(option, click.Option))


def test_the_version_is_printed() -> None:
    result = CliRunner().invoke(cli, ["--version"])
    assert result.exit_code == 0
    assert result.output.startswith("astratrade, version ")


def test_an_error_is_one_line_and_a_status(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["astratrade", "topics", "--data-dir", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        module.main()
    assert ended.value.code == 1
    [line] = capsys.readouterr().err.splitlines()
    assert line.startswith(f"astratrade: no server runs on {tmp_path}; start `astratrade dev`")
