# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Checks of clocks, stamps, delays, and transforms."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from statistics import median

from zoe_depth_ros.frame_forest import frame_name
from zoe_depth_ros.ros.doctor.facts import Arrival
from zoe_depth_ros.ros.doctor.facts import Finding
from zoe_depth_ros.ros.doctor.facts import Graph
from zoe_depth_ros.ros.doctor.facts import hint
from zoe_depth_ros.ros.doctor.facts import NodeFacts
from zoe_depth_ros.ros.doctor.facts import Stream
from zoe_depth_ros.ros.doctor.facts import wrong

OLDEST_S = 1.0
NEWEST_S = -0.1
SYNC_QUEUE = 10  # images that RTAB-Map keeps for their depth to come
WORLD_FRAMES = ('odom', 'map')
DAY_S = 86400.0


def check_clocks(node: NodeFacts, graph: Graph) -> list[Finding]:
    """Return what is wrong with time: the first of the causes, as the others follow from it."""
    if not node.parameters:
        return []
    return (
        _missing_clock(node, graph) or _other_clocks(node)
        or [finding for camera in node.cameras for finding in _stamps(camera.image, node)])


def check_delay(node: NodeFacts) -> list[Finding]:
    """Return depth that comes so long after its image that RTAB-Map has forgotten that."""
    findings = []
    for depth in node.depths:
        delay_s, period_s = delay_of(depth, node), _image_period_s(depth, node)
        if delay_s is not None and period_s is not None and delay_s > SYNC_QUEUE * period_s:
            images = int(delay_s / period_s) + 1
            findings.append(wrong(
                f'{depth.topic} comes {delay_s:.2f} s after its image, which is {images} images '
                f'and more than the {SYNC_QUEUE} that RTAB-Map waits for',
                f'give RTAB-Map ~/image_rect in place of the image, or a sync_queue_size above '
                f'{images}; a GPU, a smaller network_height and network_width or fewer images a '
                'second make the delay shorter'))
    return findings


def check_transforms(node: NodeFacts, graph: Graph) -> list[Finding]:
    """Return frames of cameras that TF does not connect with the world."""
    if graph.parents is None:
        return []
    names = {camera.image.arrivals[-1].frame_id for camera in node.cameras
             if camera.image.arrivals}
    return [finding for name in sorted(names - {''})
            for finding in _chain(frame_name(name), graph.parents)]


def delay_of(depth: Stream, node: NodeFacts) -> float | None:
    """Return the median of the seconds by which depth comes after its image, None if unknown."""
    came_ns = _first_arrivals(node)
    delays_ns = [arrival.at_ns - came_ns[arrival.stamp_ns] for arrival in depth.arrivals
                 if arrival.stamp_ns in came_ns]
    return median(delays_ns) / 1e9 if delays_ns else None


def _first_arrivals(node: NodeFacts) -> dict[int, int]:
    """Return when the first image of every stamp came."""
    arrivals = sorted(
        (arrival for camera in node.cameras for arrival in camera.image.arrivals),
        key=lambda arrival: -arrival.at_ns)
    return {arrival.stamp_ns: arrival.at_ns for arrival in arrivals}


def _image_period_s(depth: Stream, node: NodeFacts) -> float | None:
    """Return the seconds between the images that a depth image is made of."""
    stamps_ns = {arrival.stamp_ns for arrival in depth.arrivals}
    images = [camera.image for camera in node.cameras
              if any(arrival.stamp_ns in stamps_ns for arrival in camera.image.arrivals)]
    return images[0].period_s if images else None


def _missing_clock(node: NodeFacts, graph: Graph) -> list[Finding]:
    if not node.uses_sim_time or graph.has_clock:
        return []
    return [wrong(
        f'{node.name} has use_sim_time, but nothing comes on /clock',
        'play the bag with --clock, let the simulation run, or set use_sim_time to false')]


def _other_clocks(node: NodeFacts) -> list[Finding]:
    others = sorted(
        name for name, value in node.sim_time_of.items() if value != node.uses_sim_time)
    if not others:
        return []
    own = str(node.uses_sim_time).lower()
    return [wrong(
        f'use_sim_time is {own} in {node.name}, but not in {", ".join(others)}',
        'set it alike in all nodes: true with a simulation or a bag, else false')]


def _stamps(image: Stream, node: NodeFacts) -> list[Finding]:
    if not image.arrivals:
        return []
    if not any(arrival.stamp_ns for arrival in image.arrivals):
        return [wrong(
            f'images on {image.topic} have the stamp 0',
            'have their driver stamp them when they are taken')]
    age_s = _age_s(image.arrivals, by_sim_time=node.uses_sim_time)
    if age_s is None or _is_plausible(age_s):
        return []
    return [_wrong_clock(image, node) or _wrong_age(image, age_s)]


def _wrong_clock(image: Stream, node: NodeFacts) -> Finding | None:
    other_age_s = _age_s(image.arrivals, by_sim_time=not node.uses_sim_time)
    if other_age_s is None or not _is_plausible(other_age_s):
        return None
    if node.uses_sim_time:
        return wrong(
            f'images on {image.topic} have stamps of the real time, but {node.name} has '
            'use_sim_time', 'set use_sim_time alike in the camera driver and in the node')
    return wrong(
        f'images on {image.topic} have stamps of /clock, but {node.name} has no use_sim_time',
        f'start {node.name} and all that uses its depth with use_sim_time')


def _wrong_age(image: Stream, age_s: float) -> Finding:
    if age_s < 0:
        return wrong(
            f'images on {image.topic} have stamps {_duration(-age_s)} in the future',
            'synchronise the clocks of the machines, with chrony or PTP')
    return wrong(
        f'images on {image.topic} have stamps that are {_duration(age_s)} old when they come',
        'of a bag: play it with --clock, and set use_sim_time everywhere; of a camera: '
        'synchronise the clocks, with chrony or PTP, or see what delays its images')


def _age_s(arrivals: Iterable[Arrival], *, by_sim_time: bool) -> float | None:
    """Return the median age of messages when they came, by one clock."""
    ages_ns = [
        now_ns - arrival.stamp_ns for arrival in arrivals
        if (now_ns := arrival.sim_ns if by_sim_time else arrival.at_ns) is not None]
    return median(ages_ns) / 1e9 if ages_ns else None


def _is_plausible(age_s: float) -> bool:
    return NEWEST_S <= age_s <= OLDEST_S


def _duration(seconds: float) -> str:
    return f'{seconds:.1f} s' if seconds < DAY_S else f'{seconds / DAY_S:.1f} days'


def _chain(frame: str, parents: Mapping[str, str]) -> list[Finding]:
    needed = 'Nav2, STVL and RTAB-Map need the transforms from it to odom or map'
    mounting = ("`ros2 run tf2_ros static_transform_publisher` or the robot's URDF tell where "
                'the camera is mounted')
    if not parents:
        return [hint(f'nobody publishes where {frame} is', f'{needed}: {mounting}')]
    if frame not in parents:
        return [wrong(f'no transform connects {frame} with the robot', f'{needed}: {mounting}')]
    chain = [frame]
    while parents.get(chain[-1], frame) not in chain:
        chain.append(parents[chain[-1]])
    if any(link.rpartition('/')[2] in WORLD_FRAMES for link in chain):
        return []
    return [hint(
        f'the transforms of {frame} end in {chain[-1]}',
        f'{needed}: see that odometry or localisation runs')]
