"""Many clients at once, in processes and threads, each repeating one step."""

import threading
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from multiprocessing import get_context
from typing import Any

Step = Callable[[], object]
Job = Callable[..., AbstractContextManager[list[Step]]]
"""Called with the number of the process, how many threads it has, and more; gives the step of each thread."""

WARM_UP = 1.0  # s
spawn = get_context("spawn")


def rate(job: Job, *more: Any, processes: int = 2, threads: int = 8, seconds: float = 3.0) -> float:
    """Steps a second of all clients together, once they have warmed up. job: of a module, for it is sent to others."""
    together, counts = spawn.Barrier(processes), spawn.SimpleQueue()
    workers = [
        spawn.Process(target=_work, args=(job, number, threads, more, seconds, together, counts))
        for number in range(processes)
    ]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if any(worker.exitcode for worker in workers):
        raise RuntimeError("a client failed; see above")
    return sum(counts.get() for _ in workers) / seconds


def _work(
    job: Job, number: int, threads: int, more: tuple, seconds: float, together: Any, counts: Any
) -> None:
    with job(number, threads, *more) as steps:
        try:
            together.wait(60)
            begin = time.perf_counter() + WARM_UP
            made, faults = [0] * threads, []

            def repeat(place: int, step: Step) -> None:
                try:
                    while (now := time.perf_counter()) < begin + seconds:
                        step()
                        made[place] += now >= begin
                except BaseException as fault:
                    faults.append(fault)
                    raise

            running = [threading.Thread(target=repeat, args=each) for each in enumerate(steps)]
            for thread in running:
                thread.start()
            for thread in running:
                thread.join()
        except BaseException:
            together.abort()
            raise
    if faults:
        raise SystemExit(1)
    counts.put(sum(made))
