"""The house itself: which way its arrows point, what it is made of, and what no file may say."""

import ast
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from configparser import ConfigParser
from importlib.metadata import distribution, packages_distributions
from importlib.util import find_spec
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PROJECT = Path(__file__).parents[1]
FLOORS = ("domain", "application", "infrastructure", "projections", "api")
NOT_OURS = re.compile(r"\.(?!ci$).*|var|build|__pycache__|.*\.egg-info")  # folders
# In pieces, so that this file does not say what it forbids.
REGISTRIES = re.compile(
    "|".join((r"pypi\.o" r"rg", r"pythonhosted\.o" r"rg", r"npmjs\.(o" r"rg|com)", r"deb\.debian\.o" r"rg"))
)
FOREIGN_PATHS = re.compile(r"(?<![\w.}])/(work|root|Users|home/\w+)" r"/")


def sources(folder: str) -> list[Path]:
    return sorted((PROJECT / folder).rglob("*.py"))


def texts() -> Iterator[tuple[Path, str]]:
    for folder, inside, files in os.walk(PROJECT):
        inside[:] = [name for name in inside if not NOT_OURS.fullmatch(name)]
        for file in (Path(folder, name) for name in files):
            yield file.relative_to(PROJECT), file.read_text("utf-8", errors="replace")


def imported(file: Path) -> set[str]:
    """Full names of the modules that a file imports, at whatever place."""
    names = set()
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
    return names


def asked_for(extra: str | None = None) -> set[str]:
    """Distributions that setup.cfg names."""
    setup = ConfigParser()
    setup.read(PROJECT / "setup.cfg", "utf-8")
    lines = setup["options.extras_require"][extra] if extra else setup["options"]["install_requires"]
    return {canonicalize_name(Requirement(line).name) for line in lines.split("\n") if line}


def pinned(*files: str) -> dict[str, str]:
    pins = {}
    for file in files:
        for line in (PROJECT / "requirements" / file).read_text().splitlines():
            if line and not line.startswith("#"):
                name, exactly, version = line.partition("==")
                assert exactly, f"{file}: {line} is not pinned"
                pins[canonicalize_name(name)] = version
    return pins


@pytest.mark.parametrize("floor", FLOORS)
def test_no_library_owns_the_name_of_a_folder(floor):
    assert set(packages_distributions().get(floor, [])) <= {"matricule"}
    assert Path(find_spec(floor).origin).parent == PROJECT / floor
    assert not (PROJECT / "tests" / floor).exists()


def test_the_arrows_point_one_way():
    contracts = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=PROJECT,
        capture_output=True,
        text=True,
    )
    assert contracts.returncode == 0, contracts.stdout


@pytest.mark.parametrize(
    ("floor", "may"),
    [
        ("domain", {"domain", "eventsourcing.domain"}),
        ("application", {"domain", "application", "eventsourcing"}),
    ],
)
def test_decisions_import_python_their_own_and_the_event_library(floor, may):
    foreign = {
        f"{file.relative_to(PROJECT)}: {name}"
        for file in sources(floor)
        for name in imported(file)
        if name.split(".")[0] not in sys.stdlib_module_names
        and not any(name == allowed or name.startswith(f"{allowed}.") for allowed in may)
    }
    assert foreign == set()


@pytest.mark.parametrize(
    ("folders", "extra"), [(FLOORS, None), (("tests",), "test")], ids=["what runs", "the tests"]
)
def test_every_library_that_is_imported_is_asked_for_by_name(folders, extra):
    owners = packages_distributions()
    known = asked_for() | (asked_for(extra) if extra else set())
    ours = {*FLOORS, *(file.stem for file in sources("tests"))}
    unasked = {
        f"{file.relative_to(PROJECT)}: {name}"
        for folder in folders
        for file in sources(folder)
        for name in imported(file)
        if (top := name.split(".")[0]) not in sys.stdlib_module_names | ours
        and not known & {canonicalize_name(owner) for owner in owners.get(top, [])}
    }
    assert unasked == set()


def test_every_library_is_pinned_and_so_is_what_it_needs():
    pins = pinned("build.txt", "run.txt", "test.txt")
    wanted = {(name, "setup.cfg") for name in asked_for() | asked_for("test")}
    for name in pins:
        for line in distribution(name).requires or ():
            needed = Requirement(line)
            if needed.marker is None or needed.marker.evaluate({"extra": ""}):
                wanted.add((canonicalize_name(needed.name), name))
    assert {(name, by) for name, by in wanted if name not in pins} == set()


def test_what_runs_needs_nothing_of_the_tests():
    pins = pinned("run.txt")
    needed = {
        canonicalize_name(Requirement(line).name)
        for name in pins
        for line in distribution(name).requires or ()
        if Requirement(line).marker is None or Requirement(line).marker.evaluate({"extra": ""})
    }
    assert asked_for() | needed <= set(pins)


def test_no_file_names_a_registry_or_a_developers_folder():
    found = {
        f"{file}: {match[0]}"
        for file, text in texts()
        for pattern in (REGISTRIES, FOREIGN_PATHS)
        for match in pattern.finditer(text)
    }
    assert found == set()
