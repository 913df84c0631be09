"""The one thread that starts children: the kernel ties a child to the *thread* that started it, not to the process."""

import os
import queue
import subprocess
import threading
from collections.abc import Callable
from concurrent.futures import Future

Process = subprocess.Popen[bytes]


def run(start: Callable[[], Process]) -> Process:
    """Calls this in the thread that lives as long as the process."""
    return _nursery().run(start)


class _Nursery:
    def __init__(self) -> None:
        self.owner = os.getpid()
        self._orders: queue.SimpleQueue[tuple[Callable[[], Process], Future[Process]]] = queue.SimpleQueue()
        # A daemon: it ends when the process ends, and not before.
        threading.Thread(target=self._serve, name="monazite-nursery", daemon=True).start()

    def run(self, start: Callable[[], Process]) -> Process:
        future: Future[Process] = Future()
        self._orders.put((start, future))
        return future.result()

    def _serve(self) -> None:
        while True:
            start, future = self._orders.get()
            try:
                future.set_result(start())
            except BaseException as error:  # noqa: BLE001 - handed to the thread that asked
                future.set_exception(error)


_nurseries: list[_Nursery] = []
_lock = threading.Lock()


def _nursery() -> _Nursery:
    with _lock:
        # After a fork the thread exists in the parent only.
        if not _nurseries or _nurseries[-1].owner != os.getpid():
            _nurseries[:] = [_Nursery()]
        return _nurseries[-1]
