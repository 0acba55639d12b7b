# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The depth node in a process of its own, and a probe that talks to it over DDS."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
import json
import os
from pathlib import Path
import random
import signal
import subprocess
import sys
import time
from typing import Any

from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticArray
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from lifecycle_msgs.srv import GetState
from network_helpers import random_rgb
import numpy as np
import pytest
from rcl_interfaces.msg import Parameter as ParameterMessage
from rcl_interfaces.msg import SetParametersResult
from rcl_interfaces.srv import GetParameters
from rcl_interfaces.srv import SetParameters
from rcl_interfaces.srv import SetParametersAtomically
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter
from rclpy.parameter import parameter_value_to_python
from rclpy.qos import QoSProfile
from rclpy.qos import ReliabilityPolicy
from ros_inputs import image_message
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image
from sensor_msgs.msg import PointCloud2
from std_msgs.msg import Header

from zoe_depth_ros.ros.messages import calibration_from_message
from zoe_depth_ros.ros.node import main

ROOT = Path(__file__).parents[1]
DEADLINE_S = 120.0
ANSWER_S = 3.0
STOP_S = 20.0
DOMAIN_IDS = count(random.randint(100, 180))
FRAME_ID = 'front_camera_optical_frame'
OUTPUTS = {
    'depth/image': Image, 'depth/camera_info': CameraInfo, 'points': PointCloud2,
    'depth/image/compressedDepth': CompressedImage,
    'points/obstacles': PointCloud2, 'points/ground': PointCloud2, 'image_rect': Image,
    'depth/std_dev': Image, 'depth/color': Image, 'scene': DiagnosticArray,
    'scale': DiagnosticArray}
ENOUGH = QoSProfile(depth=1000)


def reliable(*topics: str) -> dict[str, str]:
    """Return parameters of a node that then loses none of the few messages it is sent."""
    return {f'qos_overrides.{topic}.subscription.reliability': 'reliable' for topic in topics}


os.environ['ROS_AUTOMATIC_DISCOVERY_RANGE'] = 'LOCALHOST'


class NodeProcess:
    """`depth_node` started as a user starts it; its output goes to a file."""

    def __init__(self, folder: Path, parameters: dict[str, Any], *arguments: str) -> None:
        self.domain_id = next(DOMAIN_IDS)
        self.has_sim_time = bool(parameters.get('use_sim_time'))
        self._log_path = folder / f'node_{self.domain_id}.log'
        environment = {
            **os.environ, 'ROS_DOMAIN_ID': str(self.domain_id), 'ROS_LOG_DIR': str(folder),
            'OMP_NUM_THREADS': '1'}  # as in the fixture one_thread
        with self._log_path.open('w') as file:
            self.process = subprocess.Popen(
                [sys.executable, '-m', 'zoe_depth_ros.ros.node', *ros_arguments(parameters),
                 *arguments],
                stdout=file, stderr=subprocess.STDOUT, cwd=ROOT, env=environment)

    @property
    def log(self) -> str:
        return self._log_path.read_text()

    def signal(self, number: signal.Signals) -> int:
        """Send a signal and return the exit code."""
        self.process.send_signal(number)
        return self.process.wait(DEADLINE_S)

    def stop(self) -> None:
        """End it as Ctrl-C does: one that is killed leaves its shared memory behind."""
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@dataclass
class Status:
    """One message on /diagnostics."""

    stamp: Time
    is_warning: bool
    text: str
    values: dict[str, str]

    def number(self, name: str) -> float:
        return float(self.values[name])


class Probe:
    """
    A node that sends the images of a camera to a depth node and keeps what comes back.

    :param camera: its name among the depth node's cameras, '' for the only one.
    """

    def __init__(
        self, process: NodeProcess, images: str = '/camera/image_raw',
        infos: str = '/camera/camera_info', camera: str = '',
    ) -> None:
        self.process = process
        self.reliability = ReliabilityPolicy.BEST_EFFORT  # of what it listens to
        self.frame_id = f'{camera}_camera_optical_frame' if camera else FRAME_ID
        self._outputs = f'/depth_node/{camera}'.rstrip('/')
        self._status_name = f'/depth_node: depth {camera}'.rstrip()
        self.received: dict[str, list[Any]] = {}
        self._subscriptions: list[Any] = []
        self._stamps = count(1_700_000_000)
        self._clients: dict[str, Any] = {}
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=process.domain_id)
        self.node = rclpy.create_node('probe', context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self.node)
        self.images = self.node.create_publisher(Image, images, ENOUGH)
        self.compressed = self.node.create_publisher(
            CompressedImage, f'{images}/compressed', ENOUGH)
        self.infos = self.node.create_publisher(CameraInfo, infos, ENOUGH)
        self._statuses: list[DiagnosticArray] = []
        self._asked_ns = 0
        self.node.create_subscription(
            DiagnosticArray, '/diagnostics', self._on_diagnostics, ENOUGH)

    def close(self) -> None:
        self._executor.shutdown()
        self.node.destroy_node()
        rclpy.try_shutdown(context=self._context)

    def listen(self, *topics: str) -> None:
        """Subscribe to outputs, all of them by default, and to nothing else."""
        self.mute()
        for topic in topics or OUTPUTS:
            kept: list[Any] = []
            self.received[topic] = kept
            self._subscriptions.append(self.node.create_subscription(
                OUTPUTS[topic], f'{self._outputs}/{topic}', kept.append,
                QoSProfile(depth=100, reliability=self.reliability)))

    def mute(self) -> None:
        """Unsubscribe from every output."""
        for subscription in self._subscriptions:
            self.node.destroy_subscription(subscription)
        self._subscriptions, self.received = [], {}

    def until(self, condition: Callable[[], Any], wait_s: float = DEADLINE_S) -> Any:
        """Spin until a condition holds and return its value, or what it was in the end."""
        end_s = time.monotonic() + wait_s
        while not (found := condition()) and time.monotonic() < end_s:
            self._executor.spin_once(timeout_sec=0.05)
        return found

    def header(self, stamp_ns: int | None = None) -> Header:
        """Return a header of the camera, by default with a stamp never used before."""
        header = Header(frame_id=self.frame_id)
        header.stamp.sec, header.stamp.nanosec = (
            (next(self._stamps), 123456789) if stamp_ns is None else divmod(stamp_ns, 10**9))
        return header

    def send(self, message: Image | CompressedImage, stamp_ns: int | None = None) -> Header:
        """Publish an image under a header, by default a new one, and return that."""
        message.header = self.header(stamp_ns)
        publisher = self.images if isinstance(message, Image) else self.compressed
        publisher.publish(message)
        return message.header

    def ask(
        self, message: Image | CompressedImage, *topics: str, stamp_ns: int | None = None,
    ) -> dict[str, Any]:
        """
        Send an image until its answers come on the topics, by default on all listened to.

        Publishers and subscriptions may have yet to find each other, so it is sent again.
        """
        wanted = topics or tuple(self.received)
        end_s = time.monotonic() + DEADLINE_S
        while time.monotonic() < end_s:
            header = self.send(message, stamp_ns)
            answers = self.until(lambda: self.answers(header, wanted), ANSWER_S)  # noqa: B023
            if answers:
                return answers
        raise AssertionError(f'no answer on {wanted}; the node says:\n{self.process.log}')

    def answers(self, header: Header, topics: tuple[str, ...]) -> dict[str, Any] | None:
        found = {topic: message for topic in topics for message in self.received[topic]
                 if message.header == header}
        return found if len(found) == len(topics) else None

    def use_camera(self, info: CameraInfo) -> None:
        """Publish camera_info until the node answers with a camera for images of its size."""
        width, height = calibration_from_message(info).image_size
        end_s = time.monotonic() + DEADLINE_S
        for _ in range(2):  # the second image certainly comes after the new camera_info
            while time.monotonic() < end_s:
                self.infos.publish(info)
                header = self.send(image_message(random_rgb(0, (height, width))))
                if self.until(lambda: self.answers(header, ('depth/camera_info',)), ANSWER_S):  # noqa: B023
                    break
            else:
                raise AssertionError(f'camera not used; the node says:\n{self.process.log}')

    def status(
        self, condition: Callable[[Status], Any] = lambda status: True,
        after: Callable[[], Any] = lambda: None,
    ) -> Status:
        """
        Return the next diagnostics for which a condition holds.

        :param after: what to do first; the node may tell of it at once.
        """
        self._statuses.clear()
        self._asked_ns = time.time_ns()
        after()
        found = self.until(lambda: [status for status in self._own() if condition(status)])
        assert found, f'last: {self._own()[-1:]}'
        return found[0]

    def _on_diagnostics(self, message: DiagnosticArray, info: dict[str, int]) -> None:
        stamp = message.header.stamp
        made_ns = (info['received_timestamp'] if self.process.has_sim_time
                   else stamp.sec * 10**9 + stamp.nanosec)
        if made_ns > self._asked_ns:
            self._statuses.append(message)

    def _own(self) -> list[Status]:
        return [_status(message, item) for message in self._statuses for item in message.status
                if item.name == self._status_name]

    def set(self, **parameters: Any) -> list[SetParametersResult]:
        """Set parameters one by one; `__` in a name stands for a dot."""
        return self._call(
            SetParameters, 'set_parameters', parameters=_parameters(parameters)).results

    def set_atomically(self, **parameters: Any) -> SetParametersResult:
        return self._call(
            SetParametersAtomically, 'set_parameters_atomically',
            parameters=_parameters(parameters)).result

    def get(self, name: str) -> Any:
        return parameter_value_to_python(
            self._call(GetParameters, 'get_parameters', names=[name]).values[0])

    def state(self) -> str:
        return self._call(GetState, 'get_state').current_state.label

    def change_state(self, label: str) -> bool:
        number = getattr(Transition, f'TRANSITION_{label.upper()}')
        return self._call(
            ChangeState, 'change_state', transition=Transition(id=number)).success

    def restart(self, **parameters: Any) -> None:
        """Configure and activate again with other parameters."""
        for transition in ('deactivate', 'cleanup'):
            assert self.change_state(transition), self.process.log
        results = self.set(**parameters) if parameters else []
        assert all(result.successful for result in results), results
        for transition in ('configure', 'activate'):
            assert self.change_state(transition), self.process.log

    def _call(self, service_type: Any, name: str, **fields: Any) -> Any:
        if name not in self._clients:
            self._clients[name] = self.node.create_client(service_type, f'/depth_node/{name}')
        client = self._clients[name]
        assert self.until(client.service_is_ready), self.process.log
        # The middleware drops an answer to a client that the server has not found yet; only what
        # may be said twice is said again.
        wait_s = DEADLINE_S if service_type is ChangeState else ANSWER_S
        end_s = time.monotonic() + DEADLINE_S
        while time.monotonic() < end_s:
            future = client.call_async(service_type.Request(**fields))
            if self.until(future.done, wait_s):
                return future.result()
        raise AssertionError(f'no answer from {name}:\n{self.process.log}')


@contextmanager
def running_node(
    folder: Path, parameters: dict[str, Any], *arguments: str, images: str = '/camera/image_raw',
) -> Iterator[Probe]:
    """Run a depth node on camera topics and a probe beside it."""
    process = NodeProcess(
        folder, parameters, '-r', f'image:={images}', '-r', 'camera_info:=/camera/camera_info',
        *arguments)
    probe = Probe(process, images)
    try:
        yield probe
    finally:
        probe.close()
        process.stop()


@contextmanager
def running_cameras(
    folder: Path, parameters: dict[str, Any], *cameras: str,
) -> Iterator[list[Probe]]:
    """Run a depth node with several cameras and a probe for each of them."""
    process = NodeProcess(folder, {'cameras': list(cameras), **parameters})
    probes = [Probe(process, f'/{name}/image', f'/{name}/camera_info', name) for name in cameras]
    try:
        yield probes
    finally:
        for probe in probes:
            probe.close()
        process.stop()


def refusal_to_start(capfd: pytest.CaptureFixture[str], parameters: dict[str, Any]) -> str:
    """Start a depth node in this process and return the one line with which it gives up."""
    assert main(ros_arguments(parameters)) == 1
    said = capfd.readouterr().err
    assert 'Traceback' not in said
    # The middleware may speak too: of nodes that gave up before and wait for the collector.
    line, = [line for line in said.splitlines() if '[depth_node]' in line]
    return line


def ros_arguments(parameters: dict[str, Any]) -> list[str]:
    return ['--ros-args', *(part for name, value in parameters.items()
                            for part in ('-p', f'{name}:={json.dumps(value)}'))]


def pixels(message: Image) -> np.ndarray:
    """Return the array an image message holds, by the meaning of its own fields."""
    kinds = {'32FC1': (np.float32, ()), '16UC1': (np.uint16, ()), 'rgb8': (np.uint8, (3,))}
    dtype, channels = kinds[message.encoding]
    array = np.frombuffer(message.data, dtype).reshape(message.height, message.width, *channels)
    assert message.step == array[0].nbytes
    assert message.is_bigendian == 0
    return array


def _parameters(values: dict[str, Any]) -> list[ParameterMessage]:
    return [Parameter(name.replace('__', '.'), value=value).to_parameter_msg()
            for name, value in values.items()]


def _status(message: DiagnosticArray, status: DiagnosticStatus) -> Status:
    return Status(
        message.header.stamp, status.level == DiagnosticStatus.WARN, status.message,
        {item.key: item.value for item in status.values})
