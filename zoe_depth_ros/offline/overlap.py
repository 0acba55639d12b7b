# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Work that overlaps, in order and in bounded memory."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from collections.abc import Generator
from collections.abc import Iterable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from threading import Condition
from threading import Thread
from typing import Generic
from typing import TypeVar

Item = TypeVar('Item')
Result = TypeVar('Result')


def prefetched(
    items: Iterable[Item], cost: Callable[[Item], int], limit: int,
) -> Generator[Item, None, None]:
    """
    Yield items that a thread of its own takes from an iterable ahead of time.

    :param cost: of keeping an item, such as its bytes.
    :param limit: the thread waits while the kept items cost more.
    :return: a generator; closing it ends the thread.
    :raises Exception: what taking an item raised.
    """
    buffer: _Buffer[Item] = _Buffer(limit)
    thread = Thread(target=_fill, args=(items, buffer, cost), name='prefetch', daemon=True)
    try:
        thread.start()
        yield from buffer
    finally:
        buffer.stop()
        thread.join()


def mapped(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int,
    is_heavy: Callable[[Item], bool],
) -> Generator[Result, None, None]:
    """
    Yield what a function makes of items, in their order, computed by several threads.

    :param workers: threads; as many heavy items wait, and the light ones between them.
    :param is_heavy: whether an item is worth a thread.
    :raises Exception: what the function raised.
    """
    with ThreadPoolExecutor(workers) as pool:
        waiting: deque[tuple[Callable[[], Result], bool]] = deque()
        heavy = 0
        for item in items:
            if is_heavy(item):
                waiting.append((pool.submit(function, item).result, True))
                heavy += 1
            else:
                waiting.append((partial(function, item), False))
            while heavy > workers or not waiting[0][1]:
                result, was_heavy = waiting.popleft()
                heavy -= was_heavy
                yield result()
                if not waiting:
                    break
        for result, _ in waiting:
            yield result()


class _Buffer(Generic[Item]):
    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._items: deque[tuple[Item, int]] = deque()
        self._cost = 0
        self._error: BaseException | None = None
        self._is_ended = self._is_stopped = False
        self._changed = Condition()

    def put(self, item: Item, cost: int) -> bool:
        """Add an item when there is room; return whether it is still wanted."""
        with self._changed:
            self._changed.wait_for(lambda: self._cost <= self._limit or self._is_stopped)
            self._items.append((item, cost))
            self._cost += cost
            self._changed.notify_all()
            return not self._is_stopped

    def end(self, error: BaseException | None) -> None:
        with self._changed:
            self._is_ended, self._error = True, error
            self._changed.notify_all()

    def stop(self) -> None:
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()

    def __iter__(self) -> Iterator[Item]:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._items or self._is_ended)
                if not self._items:
                    if self._error is not None:
                        raise self._error
                    return
                item, cost = self._items.popleft()
                self._cost -= cost
                self._changed.notify_all()
            yield item


def _fill(
    items: Iterable[Item], buffer: _Buffer[Item], cost: Callable[[Item], int],
) -> None:
    try:
        for item in items:
            if not buffer.put(item, cost(item)):
                break
    except BaseException as error:  # told to whoever takes the items
        buffer.end(error)
    else:
        buffer.end(None)
