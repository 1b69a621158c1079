"""The role that signs checkpoints, and lets one a day leave the house: to a file, a command, the auditors."""

import logging
import os
import shlex
import subprocess
import tempfile
import threading
from pathlib import Path

from psycopg.errors import UndefinedTable

from application.ports import Clock, Roles
from infrastructure.checkpoints import Checkpoints, Signed
from infrastructure.doorbell import Doorbell
from infrastructure.letters import CHECKPOINT
from infrastructure.observability import Metrics
from infrastructure.outbox import OutboxQueue
from infrastructure.settings import Settings
from projections.tree import Tree, TreeDisagrees

log = logging.getLogger(__name__)

EVERY = 1.0  # s; how often it looks whether a checkpoint is due
AFTER_A_FAULT = 60.0  # s
COMMAND_SECONDS = 60


class NotHandedOver(Exception):
    """The command did not take the checkpoint."""


class Publish:
    """Any number may run: what one has done the others find done."""

    name = "publish"

    def __init__(
        self,
        *,
        checkpoints: Checkpoints,
        tree: Tree,
        roles: Roles,
        outbox: OutboxQueue,
        doorbell: Doorbell,
        clock: Clock,
        settings: Settings,
        metrics: Metrics,
    ) -> None:
        self._checkpoints = checkpoints
        self._tree = tree
        self._roles = roles
        self._outbox = outbox
        self._doorbell = doorbell
        self._clock = clock
        self._settings = settings
        self._metrics = metrics

    def run(self, stop: threading.Event) -> None:
        pause = 0.0
        while not stop.wait(pause):
            pause = EVERY if self.step() else AFTER_A_FAULT

    def step(self) -> bool:
        """Sign and hand out what is due; False where something is wrong, which health and metrics show."""
        try:
            if self._is_due():
                self._checkpoints.sign_now()
            self._checkpoints.publish()
            self._metrics.tree_disagrees.set(0)
        except TreeDisagrees as alarm:
            # Nothing more is signed: what was published before shows which log is the true one.
            self._metrics.tree_disagrees.set(1)
            log.critical("the log is not the one that was signed", extra={"count": alarm.args[0]})
            return False
        except UndefinedTable:  # nobody has projected yet
            return True
        return all([self._leaves(signed) for signed in self._checkpoints.to_leave()])

    def _is_due(self) -> bool:
        last, size = self._checkpoints.latest(), self._tree.size()
        if not last:
            return size > 0
        grown, age = size - last.size, self._clock.now() - last.signed_at
        return grown >= self._settings.checkpoint_events or (
            grown != 0 and age >= self._settings.checkpoint_every
        )

    def _leaves(self, signed: Signed) -> bool:
        try:
            self._to_file(signed)
            self._to_command(signed)
        except (OSError, NotHandedOver, subprocess.TimeoutExpired) as fault:
            log.error("a checkpoint did not leave the house", extra={"error": type(fault).__name__})
            return False
        for auditor in self._roles.having("auditor", self._clock.now()):
            self._outbox.put(f"{CHECKPOINT}:{signed.day}:{auditor}", CHECKPOINT, auditor)
        self._doorbell.ring("outbox")
        self._checkpoints.has_left(signed)
        return True

    def _to_file(self, signed: Signed) -> None:
        folder: Path = self._settings.checkpoint_dir
        folder.mkdir(parents=True, exist_ok=True)
        descriptor, made = tempfile.mkstemp(dir=folder, prefix=".")
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(signed.note)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(made, 0o644)  # it is for everybody
        os.replace(made, folder / f"{signed.day}.checkpoint")

    def _to_command(self, signed: Signed) -> None:
        command = self._settings.checkpoint_command
        if command:
            done = subprocess.run(
                shlex.split(command),
                input=signed.note.encode(),
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=COMMAND_SECONDS,
            )
            if done.returncode:
                raise NotHandedOver
