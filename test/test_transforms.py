# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Frames as /tf and /tf_static tell them."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
import random
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy')

from geometry_msgs.msg import TransformStamped
import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.node import Node
from rclpy.qos import QoSDurabilityPolicy
from rclpy.qos import QoSProfile

from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.ros.transforms import FixedTransform
from zoe_depth_ros.ros.transforms import HAS_TF
from zoe_depth_ros.ros.transforms import TransformListener


@pytest.fixture
def node() -> Iterator[Node]:
    context = rclpy.Context()
    rclpy.init(context=context, domain_id=random.randint(1, 99))
    node = rclpy.create_node('listener', context=context)
    yield node
    node.destroy_node()
    rclpy.try_shutdown(context=context)


def stamped(
    stamp_s: float, parent: str, child: str, x_m: float, w: float = 1.0,
) -> TransformStamped:
    item = TransformStamped(child_frame_id=child)
    item.header.frame_id = parent
    item.header.stamp.sec, item.header.stamp.nanosec = int(stamp_s), int(stamp_s % 1 * 1e9)
    item.transform.translation.x, item.transform.rotation.w = x_m, w
    return item


def message(*items: TransformStamped) -> SimpleNamespace:
    """Return what has the field of a tf2_msgs/TFMessage."""
    return SimpleNamespace(transforms=list(items))


def test_transforms_are_found_at_the_time_asked_for(node):
    listener = TransformListener(node)
    listener.take('/tf', message(stamped(10.0, 'base', 'laser', 1.0)))
    listener.take('/tf', message(stamped(10.5, 'base', 'laser', 2.0)))
    for stamp_ns, x_m in ((0, 1.0), (10_250_000_000, 1.5), (99 * 10**9, 2.0)):
        assert listener.lookup('base', 'laser', stamp_ns)[0, 3] == pytest.approx(x_m)


def test_transforms_that_are_static_hold_at_any_time_until_they_are_told_anew(node):
    listener = TransformListener(node)
    listener.take('/tf_static', message(
        stamped(1000.0, 'base', 'laser', 1.0), stamped(1000.0, '/base', '/eye', 4.0)))
    assert listener.lookup('eye', 'laser', 5 * 10**9)[0, 3] == -3.0
    listener.take('/tf_static', message(stamped(900.0, 'base', 'laser', 3.0)))
    for stamp_ns in (0, 950 * 10**9, 2000 * 10**9):
        assert listener.lookup('eye', 'laser', stamp_ns)[0, 3] == -1.0


def test_transforms_that_are_no_poses_are_left_out(node):
    listener = TransformListener(node)
    listener.take('/tf', message(
        stamped(1.0, 'base', 'laser', 1.0, w=0.0), stamped(1.0, 'base', 'eye', 1.0)))
    assert listener.lookup('base', 'eye', 0)[0, 3] == 1.0
    with pytest.raises(ZoeDepthError, match='no transform from laser to base'):
        listener.lookup('base', 'laser', 0)


def test_transform_that_is_fixed_is_the_same_for_all_frames():
    matrix = np.diag([1.0, 2.0, 3.0, 1.0])
    assert FixedTransform(matrix).lookup('any', 'other', 7) is matrix


@pytest.mark.skipif(not HAS_TF, reason='tf2_msgs is not installed')
def test_transforms_come_over_both_topics_even_when_static_ones_were_told_before(node):
    message_type = import_module('tf2_msgs.msg').TFMessage
    latched = QoSProfile(depth=1, durability=QoSDurabilityPolicy.TRANSIENT_LOCAL)
    static = node.create_publisher(message_type, '/tf_static', latched)
    moving = node.create_publisher(message_type, '/tf', 10)
    static.publish(message_type(transforms=[stamped(1.0, 'base', 'eye', 4.0)]))
    listener = TransformListener(node)
    executor = SingleThreadedExecutor(context=node.context)
    executor.add_node(node)
    for _ in range(200):
        moving.publish(message_type(transforms=[stamped(1.0, 'base', 'laser', 1.0)]))
        executor.spin_once(timeout_sec=0.05)
        try:
            assert listener.lookup('eye', 'laser', 0)[0, 3] == -3.0
            break
        except ZoeDepthError:
            continue
    else:
        pytest.fail('no transform came')
    listener.destroy()
    executor.shutdown()


@pytest.mark.skipif(HAS_TF, reason='tf2_msgs is installed')
def test_transforms_say_when_nothing_can_tell_them(node):
    listener = TransformListener(node)
    with pytest.raises(ZoeDepthError, match='no transform from laser to eye: tf2_msgs is not'):
        listener.lookup('eye', 'laser', 0)
    listener.destroy()
