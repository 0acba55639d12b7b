# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A private corner of the ROS graph: this machine only, a domain of its own."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
import os
from pathlib import Path
import random
from threading import Thread
import time
from typing import TYPE_CHECKING

import rclpy
from rclpy.context import Context
from rclpy.executors import ExternalShutdownException
from rclpy.executors import SingleThreadedExecutor

if TYPE_CHECKING:
    from types import TracebackType

POLL_S = 0.02
LARGEST_DOMAIN_ID = 101
# Fast DDS passes messages on through shared memory of half a megabyte, less than an image has,
# and drops what does not fit.
FAST_DDS_PROFILE = """\
<?xml version="1.0" encoding="UTF-8"?>
<profiles xmlns="http://www.eprosima.com/XMLSchemas/fastRTPS_Profiles">
  <transport_descriptors>
    <transport_descriptor>
      <transport_id>large_shared_memory</transport_id>
      <type>SHM</type>
      <segment_size>67108864</segment_size>
    </transport_descriptor>
    <transport_descriptor>
      <transport_id>udp</transport_id>
      <type>UDPv4</type>
    </transport_descriptor>
  </transport_descriptors>
  <participant profile_name="large_messages" is_default_profile="true">
    <rtps>
      <userTransports>
        <transport_id>large_shared_memory</transport_id>
        <transport_id>udp</transport_id>
      </userTransports>
      <useBuiltinTransports>false</useBuiltinTransports>
    </rtps>
  </participant>
</profiles>
"""


class RosSession:
    """
    One node that spins in a thread of its own, in a `with` statement.

    Other processes join it with `environment`. ROS_DOMAIN_ID is respected where it is set.

    :param node_name: name of the node.
    :param profile_path: where to put the middleware's configuration.
    """

    def __init__(self, node_name: str, profile_path: Path) -> None:
        domain_id = os.environ.get('ROS_DOMAIN_ID') or str(random.randint(1, LARGEST_DOMAIN_ID))
        profile_path.write_text(FAST_DDS_PROFILE)
        self._own = {
            'ROS_DOMAIN_ID': domain_id,
            'ROS_AUTOMATIC_DISCOVERY_RANGE': 'LOCALHOST',
            'FASTRTPS_DEFAULT_PROFILES_FILE': str(profile_path.resolve()),
            'FASTDDS_DEFAULT_PROFILES_FILE': str(profile_path.resolve()),
        }
        self._context = Context()
        before = dict(os.environ)
        os.environ.update(self._own)
        try:
            rclpy.init(context=self._context)
            self.node = rclpy.create_node(node_name, context=self._context)
        finally:
            _restore(before)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self._thread = Thread(target=self._spin, name='ros_session', daemon=True)
        self._thread.start()

    @property
    def environment(self) -> dict[str, str]:
        """Environment variables for a process that takes part."""
        return {**os.environ, **self._own}

    def __enter__(self) -> RosSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._executor.shutdown()
        self._thread.join()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def _spin(self) -> None:
        with suppress(ExternalShutdownException):
            self._executor.spin()


def wait_until(condition: Callable[[], bool], timeout_s: float) -> bool:
    """Wait for a condition; return whether it came true in time."""
    end_s = time.monotonic() + timeout_s
    while not (is_true := condition()) and time.monotonic() < end_s:
        time.sleep(POLL_S)
    return is_true


def _restore(environment: dict[str, str]) -> None:
    for name in set(os.environ) - set(environment):
        del os.environ[name]
    os.environ.update(environment)
