"""`matricule` in processes of its own: the import takes longer than most commands do, so it is done once.

Each process is forked from one that has only imported the program. It has an environment, standard streams and an end
of its own, as if a shell had called it. What the start itself does wrong would not be seen: tests/test_run.py starts
the installed program.
"""

import atexit
import contextlib
import functools
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import IO

PROGRAM = Path(sys.executable).with_name("matricule")
SECONDS = 60.0
REQUEST_BYTES = 1 << 16


class Process:
    """As subprocess.Popen, for whom nobody here is the parent."""

    def __init__(self, pid: int, ended: socket.socket) -> None:
        self.pid = pid
        self.returncode: int | None = None
        self._ended = ended

    def poll(self) -> int | None:
        try:
            return self.wait(0)
        except subprocess.TimeoutExpired:
            return None

    def wait(self, timeout: float | None = None) -> int:
        """The exit status, negative for a signal. Raises subprocess.TimeoutExpired."""
        if self.returncode is None:
            self._ended.settimeout(timeout)
            try:
                self.returncode = int(self._ended.recv(16))
            except (TimeoutError, BlockingIOError):
                raise subprocess.TimeoutExpired(PROGRAM.name, timeout) from None
            self._ended.close()
        return self.returncode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


def start(
    *arguments: object,
    env: Mapping[str, str],
    stdin: IO,
    stdout: IO,
    stderr: IO,
    cwd: Path | None = None,
) -> Process:
    """One that leads a session, as a terminal's command leads its group. cwd: None for that of the tests."""
    words = [PROGRAM.name, *map(str, arguments)]
    request = json.dumps([words, dict(env), str(cwd or Path.cwd())]).encode()
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    streams = [stream.fileno() for stream in (stdin, stdout, stderr)]
    with its:
        socket.send_fds(_imported(), [request], [*streams, its.fileno()])
    return Process(int(ours.recv(16)), ours)


def run(
    *arguments: object, env: Mapping[str, str], typed: str = "", cwd: Path | None = None
) -> subprocess.CompletedProcess[str]:
    """Call it and wait for its end."""
    with tempfile.TemporaryFile() as stdin, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        stdin.write(typed.encode())
        stdin.seek(0)
        process = start(*arguments, env=env, stdin=stdin, stdout=out, stderr=err, cwd=cwd)
        try:
            status = process.wait(SECONDS)
        finally:
            process.kill()
        for written in (out, err):
            written.seek(0)
        return subprocess.CompletedProcess(arguments, status, out.read().decode(), err.read().decode())


@functools.cache
def _imported() -> socket.socket:
    """The door of the process that has imported it, which ends with this one."""
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with its:
        process = subprocess.Popen(
            [sys.executable, "-P", __file__, str(its.fileno())],
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[its.fileno()],
            start_new_session=True,
        )

    @atexit.register
    def end() -> None:
        ours.close()
        process.wait()

    return ours


# --- in that process


def _serve(door: socket.socket) -> bool:
    """Fork for each request. True in a process that has become what was asked for, False once nobody asks any more."""
    signal.signal(signal.SIGCHLD, _let_go)
    while True:
        request, descriptors, *_ = socket.recv_fds(door, REQUEST_BYTES, 4)
        if not request:
            return False
        if os.fork() == 0:
            door.close()
            return _wait_for_another(*json.loads(request), descriptors)
        for descriptor in descriptors:
            os.close(descriptor)


def _let_go(*_: object) -> None:
    """Of the waiting ones that have ended; what they took is counted as ours."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _wait_for_another(words: list[str], env: dict[str, str], cwd: str, descriptors: list[int]) -> bool:
    """Fork once more; tell the process id, and then how it ended."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    *streams, telling = descriptors
    pid = os.fork()
    if pid == 0:
        os.close(telling)
        _become(words, env, cwd, streams)
        return True
    for descriptor in (0, 1, 2, *streams):
        os.close(descriptor)
    with socket.socket(fileno=telling) as asker:
        asker.send(str(pid).encode())
        status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        asker.send(str(status).encode())
    os._exit(0)


def _become(words: list[str], env: dict[str, str], cwd: str, streams: list[int]) -> None:
    os.setsid()
    os.chdir(cwd)
    for number, descriptor in enumerate(streams):
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin, sys.stdout = os.fdopen(0, closefd=False), os.fdopen(1, "w", closefd=False)
    sys.stderr = os.fdopen(2, "w", buffering=1, errors="backslashreplace", closefd=False)
    os.environ.clear()
    os.environ.update(env)
    sys.argv = words


if __name__ == "__main__":
    import gc

    from api.cli import main

    assert threading.active_count() == 1, "a thread would be missing in whoever is forked"
    gc.freeze()  # so that what all share is not copied only to be looked at
    with socket.socket(fileno=int(sys.argv[1])) as door:
        asked = _serve(door)
    if asked:
        main()
