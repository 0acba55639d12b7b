# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Plays a bag to a live depth node and records what it publishes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from dataclasses import replace
import math
from pathlib import Path
import time

from tqdm import tqdm

from zoe_depth_ros.bag.decode import calibration
from zoe_depth_ros.bag.decode import header_stamp_ns
from zoe_depth_ros.bag.decode import with_header_stamp
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.bag.topics import CameraTopics
from zoe_depth_ros.bag.topics import COMPRESSED_SUFFIX
from zoe_depth_ros.bag.writer import BagWriter
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.errors import CameraError
from zoe_depth_ros.ros.node_process import DepthNodeProcess
from zoe_depth_ros.ros.node_process import NODE_NAME
from zoe_depth_ros.ros.player import Player
from zoe_depth_ros.ros.recorder import Passage
from zoe_depth_ros.ros.recorder import Recorder
from zoe_depth_ros.ros.session import RosSession
from zoe_depth_ros.ros.session import wait_until

DEPTH_TOPIC = f'{NODE_NAME}/depth/image'
IMAGE_TOPIC = f'{NODE_NAME}/image_rect'
POINTS_TOPIC = f'{NODE_NAME}/points'
SCENE_TOPIC = f'{NODE_NAME}/scene'
CAMERA_INFO_TOPIC = f'{NODE_NAME}/depth/camera_info'
RECORDED = {
    DEPTH_TOPIC: 'sensor_msgs/msg/Image',
    CAMERA_INFO_TOPIC: 'sensor_msgs/msg/CameraInfo',
    IMAGE_TOPIC: 'sensor_msgs/msg/Image',
    POINTS_TOPIC: 'sensor_msgs/msg/PointCloud2',
    SCENE_TOPIC: 'diagnostic_msgs/msg/DiagnosticArray',
}
DISCOVERY_TIMEOUT_S = 20.0
# The two ends of a connection learn of it one after the other: what is sent before both know is
# lost. So an image and its calibration go ahead until every output is back.
AHEAD_NS = 10**9
AHEAD_PERIOD_S = 2.0
AHEAD_TIMEOUT_S = 30.0
# The newest image is never dropped, so its depth ends the recording.
LAST_DEPTH_TIMEOUT_S = 30.0
QUIET_S = 1.0


@dataclass(frozen=True)
class LiveRun:
    """
    What happened while a bag was played.

    :param sent_ns: when each image was published, nanoseconds since the epoch.
    :param received_ns: when each depth image came, nanoseconds since the epoch.
    :param latencies_s: seconds from an image to its depth, for every depth image.
    :param exit_code: of the node; 0 is a clean end.
    """

    sent_ns: tuple[int, ...]
    received_ns: tuple[int, ...]
    latencies_s: tuple[float, ...]
    exit_code: int


@dataclass(frozen=True)
class LiveFiles:
    """
    Files that a live run writes.

    :param recording: the bag.
    :param log: what the node prints.
    :param profile: configuration of the middleware.
    """

    recording: Path
    log: Path
    profile: Path


def play_live(
    source: BagReader, camera: CameraTopics, model: str, seconds: float | None, files: LiveFiles,
) -> LiveRun:
    """
    Start a depth node, play a camera to it in real time, record its outputs, stop it.

    The first camera_info and the first image, this one with an older stamp, are sent ahead of
    everything, as a camera that is already running would have done; their depth is not recorded.
    Nothing else is changed: messages pass byte for byte, with their stamps. They pass reliably:
    what is missing in the recording was dropped by the node.

    :param seconds: how much of the bag to play, None for all of it.
    :raises ZoeDepthError: the node fails, or can make no depth of these images.
    :raises BagError: the source cannot be read, or the recording not be written.
    """
    if live_topic(camera).startswith(f'{NODE_NAME}/'):
        raise BagError(f'{camera.image.name} in bag {source.path} is what depth_node publishes')
    parameters: dict[str, object] = {
        'model': model, 'image_transport': 'compressed' if camera.is_compressed else 'raw'}
    remappings = {'image': live_topic(camera).removesuffix(COMPRESSED_SUFFIX)}
    types = {live_topic(camera): camera.image.type_name}
    if camera.camera_info is not None:
        remappings['camera_info'] = camera.camera_info.name
        types[camera.camera_info.name] = camera.camera_info.type_name
    for topic in types:
        parameters[f'qos_overrides.{topic}.subscription.reliability'] = 'reliable'
    first = next(source.messages([camera.image.name]))
    ahead_ns = header_stamp_ns(first.cdr) - AHEAD_NS
    ahead = replace(
        first, topic=live_topic(camera), cdr=with_header_stamp(first.cdr, ahead_ns))
    info = None if camera.camera_info is None else next(
        source.messages([camera.camera_info.name]))
    with RosSession('zoe_depth_demo', files.profile) as session, \
            BagWriter(files.recording, compress=False) as bag, \
            DepthNodeProcess(session, files.log, parameters, remappings) as node:
        recorder = Recorder(session.node, RECORDED, bag, since_ns=ahead_ns + 1)
        player = Player(session.node, types)
        if not (player.wait_for_subscribers(DISCOVERY_TIMEOUT_S)
                and recorder.wait_for_publishers(DISCOVERY_TIMEOUT_S)):
            raise node.failure('was not found by player and recorder')
        _send_ahead(info, ahead, player, recorder, node)
        sent = _play(player, source, camera, seconds)
        _wait_for_last_depth(recorder, node, sent[-1])
        recorder.close()
        exit_code = node.stop()
    received = recorder.arrivals(DEPTH_TOPIC)
    sent_ns = {image.stamp_ns: image.at_ns for image in sent}
    return LiveRun(
        tuple(image.at_ns for image in sent), tuple(depth.at_ns for depth in received),
        tuple((depth.at_ns - sent_ns[depth.stamp_ns]) / 1e9 for depth in received), exit_code)


def live_topic(camera: CameraTopics) -> str:
    """Return the topic to play images on: where the node looks for compressed ones, or theirs."""
    if not camera.is_compressed:
        return camera.image.name
    return camera.image.name.removesuffix(COMPRESSED_SUFFIX) + COMPRESSED_SUFFIX


def _send_ahead(
    info: BagMessage | None, image: BagMessage, player: Player, recorder: Recorder,
    node: DepthNodeProcess,
) -> None:
    """Send until all outputs are back; of an image that has none the node tells at the end."""
    awaited = _outputs_with(info)
    end_s = time.monotonic() + AHEAD_TIMEOUT_S
    while node.is_running and not recorder.heard >= awaited and time.monotonic() < end_s:
        if info is not None:
            player.send(info)
        player.send(image)
        wait_until(lambda: recorder.heard >= awaited, AHEAD_PERIOD_S)


def _outputs_with(info: BagMessage | None) -> set[str]:
    """Return the topics that an image has outputs on; two of them need a calibration."""
    if info is not None:
        with suppress(CameraError):  # of which the node tells
            calibration(info).rectified_camera()
            return set(RECORDED)
    return set(RECORDED) - {CAMERA_INFO_TOPIC, POINTS_TOPIC}


def _play(
    player: Player, source: BagReader, camera: CameraTopics, seconds: float | None,
) -> list[Passage]:
    """Play, and return when the images were published."""
    sent = []
    with tqdm(desc='playing', unit=' images', disable=None) as bar:
        for message, at_ns in player.play(_excerpt(source, camera, seconds)):
            if message.topic == live_topic(camera):
                sent.append(Passage(header_stamp_ns(message.cdr), at_ns))
                bar.update()
    return sent


def _wait_for_last_depth(recorder: Recorder, node: DepthNodeProcess, last: Passage) -> None:
    def is_over() -> bool:
        return not node.is_running or (DEPTH_TOPIC in recorder.heard and all(
            last.stamp_ns in {passage.stamp_ns for passage in recorder.arrivals(topic)}
            for topic in recorder.heard))

    wait_until(is_over, LAST_DEPTH_TIMEOUT_S)
    wait_until(lambda: recorder.quiet_s() > QUIET_S, LAST_DEPTH_TIMEOUT_S)
    if not node.is_running:
        raise node.failure('ended early')
    if not recorder.arrivals(DEPTH_TOPIC):
        raise node.failure('published no depth')


def _excerpt(
    source: BagReader, camera: CameraTopics, seconds: float | None,
) -> Iterator[BagMessage]:
    """Yield the camera's messages, images under the topic to play them on."""
    topics = [topic.name for topic in (camera.image, camera.camera_info) if topic is not None]
    first = next(source.messages([camera.image.name]))
    end_ns = math.inf if seconds is None else first.stamp_ns + seconds * 1e9
    for message in source.messages(topics):
        if message.stamp_ns >= end_ns:
            return
        is_image = message.topic == camera.image.name
        yield replace(message, topic=live_topic(camera)) if is_image else message
