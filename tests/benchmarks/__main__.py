"""The figures of the service, measured on this machine: `make bench`, `make bench ARGS="append --json figures.json"`.

No test: a target that is missed is said, and the exit status is 0. docs/benchmarks.md explains each figure.
"""

import argparse
import contextlib
import json
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

PROJECT = Path(__file__).parents[2]
sys.path[1:1] = [str(PROJECT), str(PROJECT / "tests")]

from figures import Figure, load, machine, table  # noqa: E402 - the path is set above
from servers import postgres  # noqa: E402

from infrastructure.processes import spare_the_collector  # noqa: E402

# What is measured, in the order of docs/benchmarks.md; each in the module of its name.
BENCHMARKS = (
    "append",
    "command",
    "projector",
    "proof",
    "as_of",
    "visible",
    "me",
    "sign_in",
    "throttle",
    "sign_up",
    "reads",
    "pages",
    "at_rest",
    "matching",
    "febrl",
    "refresh",
    "search",
    "importing",
)


def main() -> None:
    wanted = _arguments()
    print(f"{machine()}, load {load()}", flush=True)
    found: list[Figure] = []
    with postgres() as server:
        for name in wanted.names or BENCHMARKS:
            with _told(name):
                measure: Callable[[str], list[Figure]] = import_module(name).measure
                spare_the_collector()  # as the service does
                figures = measure(server)
            for figure in figures:
                print(f"  {figure}", flush=True)
            found += figures
    print("\n" + table(found))
    if wanted.json:
        figures = [figure.as_dict() for figure in found]
        wanted.json.write_text(
            json.dumps({"machine": machine(), "load": load(), "figures": figures}, indent=2)
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python tests/benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="name", help=f"which: {' '.join(BENCHMARKS)}; default all"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures to a file, too")
    wanted = parser.parse_args()
    wanted.names = [name.replace("-", "_") for name in wanted.names]
    if unknown := set(wanted.names) - set(BENCHMARKS):
        parser.error(f"no benchmark of this name: {', '.join(sorted(unknown))}")
    return wanted


@contextlib.contextmanager
def _told(name: str) -> Iterator[None]:
    print(f"\n{name.replace('_', '-')} …", flush=True)
    started = time.monotonic()
    yield
    print(f"  {time.monotonic() - started:.0f} s, load {load()}", flush=True)


if __name__ == "__main__":
    main()
