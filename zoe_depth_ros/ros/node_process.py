# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The depth node in a process of its own, driven through its lifecycle services."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Mapping
import json
import os
from pathlib import Path
import signal
import subprocess
import sys
import time
from typing import Any
from typing import TYPE_CHECKING

from lifecycle_msgs.msg import State
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from lifecycle_msgs.srv import GetState

import zoe_depth_ros
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.ros.session import RosSession
from zoe_depth_ros.ros.session import wait_until

if TYPE_CHECKING:
    from types import TracebackType

NODE_NAME = '/depth_node'
# The first start after an installation compiles all of torch's Python files.
START_TIMEOUT_S = 300.0
# Loading may include a download of weights; what ends it early is the end of the process.
CONFIGURE_TIMEOUT_S = 3600.0
STOP_TIMEOUT_S = 30.0
LOG_LINES_SHOWN = 3
ASK_AGAIN_S = 2.0
GOALS = {
    Transition.TRANSITION_CONFIGURE: State.PRIMARY_STATE_INACTIVE,
    Transition.TRANSITION_ACTIVATE: State.PRIMARY_STATE_ACTIVE}


class DepthNodeProcess:
    """
    A running `depth_node`, active inside the `with` statement.

    :param session: the graph it takes part in.
    :param log_path: file for what it prints.
    :param parameters: values of its parameters.
    :param remappings: topics it uses in place of its own names.
    :param node_name: another name where several take part.
    :raises ZoeDepthError: it does not become active.
    """

    def __init__(
        self, session: RosSession, log_path: Path, parameters: Mapping[str, object],
        remappings: Mapping[str, str], node_name: str = NODE_NAME,
    ) -> None:
        self.log_path = log_path
        self._session = session
        self._node_name = node_name
        options = ['-r', f'__node:={node_name.removeprefix("/")}']
        for name, value in {'autostart': False, **parameters}.items():
            options += ['-p', f'{name}:={json.dumps(value)}']
        for name, topic in remappings.items():
            options += ['-r', f'{name}:={topic}']
        folder = str(Path(zoe_depth_ros.__file__).parents[1])
        path = os.pathsep.join(filter(None, (folder, os.environ.get('PYTHONPATH'))))
        with log_path.open('w') as log:
            self._process = subprocess.Popen(
                [sys.executable, '-m', 'zoe_depth_ros.ros.node', '--ros-args', *options],
                stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
                env={**session.environment, 'PYTHONPATH': path})

    def __enter__(self) -> DepthNodeProcess:
        try:
            self._change_state(Transition.TRANSITION_CONFIGURE, CONFIGURE_TIMEOUT_S)
            self._change_state(Transition.TRANSITION_ACTIVATE, START_TIMEOUT_S)
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended."""
        return self._process.poll() is None

    def stop(self) -> int:
        """Interrupt the node as Ctrl-C does and return its exit code; 0 is a clean end."""
        if self.is_running:
            self._process.send_signal(signal.SIGINT)
        try:
            return self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def failure(self, what: str) -> ZoeDepthError:
        """Return the error that tells what went wrong and what the node said last."""
        lines = self.log_path.read_text(errors='replace').splitlines()[-LOG_LINES_SHOWN:]
        return ZoeDepthError(f'depth_node {what} (log {self.log_path}): {" | ".join(lines)}')

    def _change_state(self, transition: int, timeout_s: float) -> None:
        node = self._session.node
        change = node.create_client(ChangeState, f'{self._node_name}/change_state')
        state = node.create_client(GetState, f'{self._node_name}/get_state')
        try:
            self._wait_until(
                lambda: change.service_is_ready() and state.service_is_ready(), START_TIMEOUT_S)
            answer = change.call_async(
                ChangeState.Request(transition=Transition(id=transition)))
            # The middleware drops an answer to a client that the server has not found yet.
            states: list[Any] = []

            def is_over() -> bool:
                if answer.done():
                    return True
                if len(states) <= (time.monotonic() - start_s) / ASK_AGAIN_S:
                    states.append(state.call_async(GetState.Request()))
                return any(one.done() and one.result().current_state.id == GOALS[transition]
                           for one in states)

            start_s = time.monotonic()
            self._wait_until(is_over, timeout_s)
            if answer.done() and not answer.result().success:
                raise self.failure('did not become active')
        finally:
            for client in (change, state):
                node.destroy_client(client)

    def _wait_until(self, condition: Callable[[], bool], timeout_s: float) -> None:
        wait_until(lambda: condition() or not self.is_running, timeout_s)
        if not self.is_running:
            raise self.failure(f'ended with code {self._process.poll()}')
        if not condition():
            raise self.failure(f'did not answer within {timeout_s:.0f} s')
