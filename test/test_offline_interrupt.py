# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An interrupt that waits until it is asked for."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
import signal

import pytest

from zoe_depth_ros.offline.interrupt import held_interrupt


@pytest.fixture(autouse=True)
def handler():
    """Give the process the handler of an interactive one, whatever it inherited."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler
    signal.signal(signal.SIGINT, before)


def test_interrupt_waits_until_it_is_asked_for():
    reached = []
    with pytest.raises(KeyboardInterrupt), held_interrupt() as raise_interrupt:
        raise_interrupt()
        signal.raise_signal(signal.SIGINT)
        reached.append('work')
        raise_interrupt()
        reached.append('too late')
    assert reached == ['work']


def test_interrupt_nobody_asks_for_comes_at_the_end():
    reached = []
    with pytest.raises(KeyboardInterrupt):
        with held_interrupt():
            signal.raise_signal(signal.SIGINT)
            reached.append('all')
        reached.append('too late')
    assert reached == ['all']


def test_second_interrupt_comes_at_once():
    reached = []
    with pytest.raises(KeyboardInterrupt), held_interrupt():
        signal.raise_signal(signal.SIGINT)
        reached.append('first')
        signal.raise_signal(signal.SIGINT)
        reached.append('second')
    assert reached == ['first']


def test_error_inside_is_not_hidden_by_an_interrupt():
    with pytest.raises(ValueError, match='broken'), held_interrupt():
        signal.raise_signal(signal.SIGINT)
        raise ValueError('broken')


def test_other_threads_and_ignored_interrupts_are_left_alone():
    def work() -> str:
        with held_interrupt() as raise_interrupt:
            raise_interrupt()
            return 'done'
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(work).result() == 'done'
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    with held_interrupt() as raise_interrupt:
        signal.raise_signal(signal.SIGINT)
        raise_interrupt()
    assert signal.signal(signal.SIGINT, signal.default_int_handler) == signal.SIG_IGN
