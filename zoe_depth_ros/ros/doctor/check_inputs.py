# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Checks of topics: publishers, quality of service, and what comes from the cameras."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import SequenceMatcher

from rclpy.qos import qos_check_compatible
from rclpy.qos import QoSCompatibility
from rclpy.qos import ReliabilityPolicy

from zoe_depth_ros.errors import CameraError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.ros.conversion import NumpyConverter
from zoe_depth_ros.ros.conversion import rgb_from_message
from zoe_depth_ros.ros.doctor.facts import CameraFacts
from zoe_depth_ros.ros.doctor.facts import Channel
from zoe_depth_ros.ros.doctor.facts import Endpoint
from zoe_depth_ros.ros.doctor.facts import Finding
from zoe_depth_ros.ros.doctor.facts import Graph
from zoe_depth_ros.ros.doctor.facts import hint
from zoe_depth_ros.ros.doctor.facts import NodeFacts
from zoe_depth_ros.ros.doctor.facts import wrong
from zoe_depth_ros.ros.messages import calibration_from_message

SUGGESTIONS = 3
SUFFIX = '/compressed'


def check_subscribed(node: NodeFacts) -> list[Finding]:
    """Return topics that an active node should take but does not."""
    if node.state != 'active':
        return []
    return [wrong(
        f'{node.name} does not subscribe to {channel.topic}',
        _remapping(node, channel, channel.topic))
        for channel in node.inputs if not any(_of(node, channel.subscriptions))]


def check_publishers(node: NodeFacts, graph: Graph) -> list[Finding]:
    """Return inputs that nobody publishes, or as another type."""
    findings = []
    for channel in node.inputs:
        types = {endpoint.type_name for endpoint in channel.publishers}
        if not types:
            findings.append(wrong(
                f'nobody publishes {channel.topic}', _instead_of(node, channel, graph)))
        elif channel.type_name not in types:
            findings.append(wrong(
                f'{channel.topic} is published as {" and ".join(sorted(types))}, but '
                f'{node.name} takes {channel.type_name}', _instead_of(node, channel, graph)))
    return findings


def check_qos(node: NodeFacts) -> list[Finding]:
    """Return publishers and subscriptions that do not go together, on either side of a node."""
    findings = []
    for channel in node.inputs:
        findings += [finding for publisher in channel.publishers
                     for own in _of(node, channel.subscriptions)
                     for finding in _mismatch(channel.topic, publisher, own, 'subscription')]
    for channel in node.outputs:
        findings += [finding for subscription in channel.subscriptions
                     for own in _of(node, channel.publishers)
                     for finding in _mismatch(channel.topic, own, subscription, 'publisher')]
    return findings


def check_silence(node: NodeFacts, graph: Graph) -> list[Finding]:
    """Return topics of cameras that are published, but on which nothing comes."""
    streams = {
        stream.topic: stream for camera in node.cameras for stream in (camera.image, camera.info)}
    findings = []
    for channel in node.inputs:
        stream = streams.get(channel.topic)
        publishers = [
            item for item in channel.publishers if item.type_name == channel.type_name]
        if stream is None or stream.arrivals or not publishers:
            continue
        remedy = 'see that it runs and is not paused'
        if 'fastrtps' in graph.middleware and _role(channel) == 'image':
            remedy += (
                '; Fast DDS loses images of more than half a megabyte, unless '
                'FASTDDS_DEFAULT_PROFILES_FILE is config/fast_dds.xml for it and for the node')
        findings.append(wrong(
            f'nothing came on {channel.topic} in {graph.seconds:g} s, although '
            f'{publishers[0].node} publishes it', remedy))
    return findings


def check_calibration(camera: CameraFacts) -> list[Finding]:
    """Return what is wrong with camera_info, and how images fit it."""
    image, info = camera.image, camera.info
    size_wh = None
    try:
        if image.last is not None:
            height, width, _ = rgb_from_message(image.last, NumpyConverter()).shape
            size_wh = width, height
        if info.last is None:
            return []
        expected_wh = calibration_from_message(info.last).image_size
    except ImageError as error:
        return [wrong(
            f'{image.topic}: {error}', 'have its driver publish rgb8, bgr8 or another encoding '
            'that the README lists')]
    except CameraError as error:
        return [wrong(
            f'{info.topic}: {error}',
            'calibrate the camera and have its driver load the result, mostly by camera_info_url')]
    if size_wh in (None, expected_wh):
        return []
    return [wrong(
        f'images on {image.topic} are {_size(size_wh)}, but {info.topic} is for '
        f'{_size(expected_wh)}',
        'have the driver publish both for one resolution, and of one camera')]


def check_frames(camera: CameraFacts) -> list[Finding]:
    """Return what is wrong with the names of a camera's frame (REP 103)."""
    image, info = camera.image, camera.info
    if not image.arrivals:
        return []
    frame = image.arrivals[-1].frame_id
    if not frame:
        return [wrong(
            f'images on {image.topic} have no frame_id',
            'name their frame in the camera driver, such as camera_optical_frame')]
    if info.arrivals and info.arrivals[-1].frame_id != frame:
        return [wrong(
            f'images on {image.topic} are in the frame {frame!r}, but {info.topic} is in '
            f'{info.arrivals[-1].frame_id!r}',
            'take both from one camera, or have its driver name one frame in both')]
    if 'optical' in frame:
        return []
    return [hint(
        f'the frame {frame!r} of {image.topic} is not called optical',
        'depth and clouds are x right, y down, z forward; if the frame is x forward have the '
        'driver name its optical frame')]


def _role(channel: Channel) -> str:
    if channel.type_name.endswith('CameraInfo'):
        return 'camera_info'
    return 'image' if channel.type_name.endswith('Image') else 'range'


def _of(node: NodeFacts, endpoints: tuple[Endpoint, ...]) -> Iterator[Endpoint]:
    return (endpoint for endpoint in endpoints if endpoint.node == node.name)


def _instead_of(node: NodeFacts, channel: Channel, graph: Graph) -> str:
    """Return what to do about a topic that does not come."""
    twin = channel.topic.removesuffix(SUFFIX)
    if twin != channel.topic and twin in graph.published:
        return f'{twin} is there: set image_transport to raw'
    if f'{twin}{SUFFIX}' in graph.published and _role(channel) == 'image':
        return f'{twin}{SUFFIX} is there: set image_transport to compressed'
    taken = {one.topic for one in node.inputs}
    topics = [topic for topic, types in graph.published.items()
              if channel.type_name in types and topic not in taken]
    if not topics:
        return f'start what should; nobody publishes any {channel.type_name}'
    topics.sort(key=lambda topic: -SequenceMatcher(None, topic, channel.topic).ratio())
    return (f'did you mean {" or ".join(topics[:SUGGESTIONS])}? '
            f'Then {_remapping(node, channel, topics[0])}')


def _remapping(node: NodeFacts, channel: Channel, topic: str) -> str:
    role = _role(channel)
    images = [one for one in node.inputs
              if _role(one) == 'image' and any(_of(node, one.subscriptions))]
    if len(images) > 1:  # several cameras
        return f'start it with `--ros-args -r {channel.topic}:={topic}`'
    launch = f'launch the node with `{role}:={topic}`, or '
    return f'{launch}start it with `--ros-args -r {role}:={topic}`'


def _mismatch(
    topic: str, publisher: Endpoint, subscription: Endpoint, own: str,
) -> list[Finding]:
    """Return why nothing gets from one to the other; `own` is the end of the depth node."""
    compatibility, reason = qos_check_compatible(publisher.qos, subscription.qos)
    if compatibility != QoSCompatibility.ERROR:
        return []
    reason = reason.removeprefix('ERROR: ').rstrip('; ').lower()
    other = publisher if own == 'subscription' else subscription
    remedy = f'change the quality of service of {other.node}'
    if publisher.qos.reliability != subscription.qos.reliability == ReliabilityPolicy.RELIABLE:
        value = other.qos.reliability.name.lower()
        remedy += (', or start the depth node with the parameter '
                   f'qos_overrides.{topic}.{own}.reliability: {value}')
    return [wrong(
        f'nothing gets from {publisher.node} to {subscription.node} on {topic} ({reason})',
        remedy)]


def _size(size_wh: tuple[int, int]) -> str:
    return '{}x{}'.format(*size_wh)
