"""What is written for readers: it names what there is, all of it, and leads nowhere in vain."""

import fnmatch
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from api.cli import commands

PROJECT = Path(__file__).parents[1]
PAGES = sorted([*PROJECT.glob("*.md"), *PROJECT.glob("docs/*.md")])
README, OPERATIONS, ARCHITECTURE = (
    (PROJECT / name).read_text("utf-8")
    for name in ("README.md", "docs/operations.md", "docs/architecture.md")
)
SOURCE_ANCHOR = re.compile(r"docs/sources\.md#(\w+)")


def all_of(command: click.Command, name: str = "matricule") -> Iterator[tuple[str, click.Command]]:
    """Every command and group, each with how it is typed."""
    yield name, command
    if isinstance(command, click.Group):
        for word, further in command.commands.items():
            yield from all_of(further, f"{name} {word}")


def links(page: Path) -> Iterator[tuple[str, str]]:
    """File and anchor of every link within the project."""
    for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text("utf-8")):
        if not re.match(r"[a-z]+:", target):
            file, _, anchor = target.partition("#")
            yield file, anchor


def folder_map() -> Iterator[str]:
    """Every folder and file that the map names, from the project's root."""
    (block,) = re.findall(r"^```\n(.*?)^```$", ARCHITECTURE, re.DOTALL | re.MULTILINE)
    folder = ""
    for line in block.splitlines():
        named, inside = re.split(r"\s{2,}", line.strip())[0].split(), line.startswith(" ")
        for name in named:
            yield folder + name if inside else name
        if not inside:
            (folder, *_) = named


def mentions(command: str) -> re.Pattern:
    return re.compile(rf"`(\.venv/bin/)?{command}\b|^\$ (\.venv/bin/)?{command}\b", re.MULTILINE)


@pytest.mark.parametrize(
    "command", [name for name, command in all_of(commands) if not isinstance(command, click.Group)]
)
def test_every_command_is_documented(command):
    assert mentions(command).search(README + OPERATIONS)


def test_the_help_of_every_command_and_group_gives_an_example():
    def example(command: click.Command) -> str:
        return " ".join((command.help or "").partition("Example")[2].split())

    assert [name for name, command in all_of(commands) if name not in example(command)] == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_link_leads_to_a_file(page):
    assert [file for file, _ in links(page) if file and not (page.parent / file).exists()] == []


def test_the_readme_leads_to_the_line_that_decides_a_link():
    (line,) = [
        int(anchor[1:]) for file, anchor in links(PROJECT / "README.md") if file == "domain/matching.py"
    ]
    above, there = (PROJECT / "domain/matching.py").read_text("utf-8").splitlines()[line - 2 : line]

    assert above.strip().startswith("# The line that decides a link")
    assert there.strip().startswith("if ")


def test_the_map_names_every_folder():
    left_out = [pattern.strip("/") for pattern in (PROJECT / ".gitignore").read_text("utf-8").split()]
    folders = {
        f"{entry.name}/"
        for entry in PROJECT.iterdir()
        if entry.is_dir()
        and entry.name != ".git"
        and not any(fnmatch.fnmatch(entry.name, name) for name in left_out)
    }

    assert folders - set(folder_map()) == set()


def test_the_map_names_nothing_that_is_not_there():
    assert [name for name in folder_map() if not (PROJECT / name).exists()] == []


def test_every_source_that_the_code_names_is_described():
    described = set(re.findall(r"^## (\w+)$", (PROJECT / "docs/sources.md").read_text("utf-8"), re.MULTILINE))
    named = {
        anchor
        for folder in ("domain", "application", "projections", "infrastructure", "api")
        for file in (PROJECT / folder).rglob("*.*")
        if file.suffix in (".py", ".sql", ".toml")
        for anchor in SOURCE_ANCHOR.findall(file.read_text("utf-8"))
    }

    assert named - described == set()


@pytest.mark.parametrize("script", sorted(PROJECT.glob("examples/*.sh")), ids=lambda script: script.name)
def test_an_example_is_a_script_that_bash_understands(script):
    assert script.stat().st_mode & 0o111
    assert subprocess.run(["bash", "-n", script], capture_output=True, text=True).stderr == ""
