# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A worker thread that takes the newest item of each source; what it cannot do is dropped."""

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
    Runs a function on items in its own thread, never on an outdated one.

    All sources whose item waits have their turn together, so that none starves another and a
    silent one holds up nobody.

    :param function: called with the newest item of each source that has one.
    :param dropped: called with an item that a newer one of its source replaced before its turn.
    :param failed: called with what the function raised; the thread goes on.
    """

    def __init__(
        self, function: Callable[[list[Item]], None], dropped: Callable[[Item], None],
        failed: Callable[[Exception], None],
    ) -> None:
        self._function = function
        self._dropped = dropped
        self._failed = failed
        self._waiting: dict[str, Item] = {}
        self._changed = Condition()
        self._stopping = False
        self._thread = Thread(target=self._run, name='depth_worker', daemon=True)
        self._thread.start()

    def offer(self, item: Item, source: str = '') -> None:
        """Hand over an item; it replaces one of the same source that still waits."""
        with self._changed:
            replaced = self._waiting.pop(source, None)
            self._waiting[source] = item
            self._changed.notify()
        if replaced is not None:
            self._dropped(replaced)

    def stop(self) -> None:
        """Finish the items in work, forget the waiting ones, end the thread."""
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
                items = list(self._waiting.values())
                self._waiting.clear()
            try:
                self._function(items)
            except Exception as error:  # a dead thread would leave a silent node
                self._failed(error)
