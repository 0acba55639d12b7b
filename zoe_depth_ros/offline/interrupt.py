# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C at a moment of the program's own choosing."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
import signal
import threading
from types import FrameType


@contextmanager
def held_interrupt() -> Iterator[Callable[[], None]]:
    """
    Hold Ctrl-C back in a `with` statement, whose threads an exception anywhere could leave behind.

    A second Ctrl-C is not held back. Outside the main thread, where none arrives, nothing is done.

    :return: a function that raises what was held back; the statement's end does it too.
    :raises KeyboardInterrupt: Ctrl-C came.
    """
    before = signal.getsignal(signal.SIGINT)
    is_held = False

    def hold(number: int, frame: FrameType | None) -> None:
        nonlocal is_held
        is_held = True
        signal.signal(signal.SIGINT, before)

    def release() -> None:
        if is_held:
            raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread() or not callable(before):
        yield release
        return
    signal.signal(signal.SIGINT, hold)
    try:
        yield release
    finally:
        signal.signal(signal.SIGINT, before)
    release()
