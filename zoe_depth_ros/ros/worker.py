# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A worker thread that always takes the newest item; what it cannot keep up with is dropped."""

from __future__ import annotations

from collections.abc import Callable
from threading import Condition
from threading import Thread
from typing import Generic
from typing import TypeVar

Item = TypeVar('Item')
STOP_TIMEOUT_S = 30.0


class NewestWorker(Generic[Item]):
    """
    Runs a function on items in its own thread, one at a time, never on an outdated one.

    :param function: called with each item.
    :param dropped: called when an item is replaced by a newer one before its turn.
    :param failed: called with what the function raised; the thread goes on.
    """

    def __init__(
        self, function: Callable[[Item], None], dropped: Callable[[], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._function = function
        self._dropped = dropped
        self._failed = failed
        self._waiting: list[Item] = []
        self._changed = Condition()
        self._stopping = False
        self._thread = Thread(target=self._run, name='depth_worker', daemon=True)
        self._thread.start()

    def offer(self, item: Item) -> None:
        """Hand over an item; it replaces one that still waits."""
        with self._changed:
            replaced = bool(self._waiting)
            self._waiting = [item]
            self._changed.notify()
        if replaced:
            self._dropped()

    def stop(self) -> None:
        """Finish the item in work, forget the waiting one, end the thread."""
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(STOP_TIMEOUT_S)

    def _run(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._waiting or self._stopping)
                if self._stopping:
                    return
                item = self._waiting.pop()
            try:
                self._function(item)
            except Exception as error:  # a dead thread would leave a silent node
                self._failed(error)
