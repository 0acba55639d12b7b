# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The whole examination: look, check, tell."""

from __future__ import annotations

from dataclasses import dataclass

from zoe_depth_ros.ros.doctor.check_inputs import check_calibration
from zoe_depth_ros.ros.doctor.check_inputs import check_frames
from zoe_depth_ros.ros.doctor.check_inputs import check_publishers
from zoe_depth_ros.ros.doctor.check_inputs import check_qos
from zoe_depth_ros.ros.doctor.check_inputs import check_silence
from zoe_depth_ros.ros.doctor.check_inputs import check_subscribed
from zoe_depth_ros.ros.doctor.check_node import check_depth
from zoe_depth_ros.ros.doctor.check_node import check_device
from zoe_depth_ros.ros.doctor.check_node import check_presence
from zoe_depth_ros.ros.doctor.check_node import check_state
from zoe_depth_ros.ros.doctor.check_node import check_warnings
from zoe_depth_ros.ros.doctor.check_node import check_weights
from zoe_depth_ros.ros.doctor.check_times import check_clocks
from zoe_depth_ros.ros.doctor.check_times import check_delay
from zoe_depth_ros.ros.doctor.check_times import check_transforms
from zoe_depth_ros.ros.doctor.check_times import delay_of
from zoe_depth_ros.ros.doctor.collect import collect
from zoe_depth_ros.ros.doctor.facts import Finding
from zoe_depth_ros.ros.doctor.facts import Graph
from zoe_depth_ros.ros.doctor.facts import NodeFacts
from zoe_depth_ros.ros.doctor.facts import Stream
from zoe_depth_ros.ros.doctor.facts import wrong
from zoe_depth_ros.ros.doctor.options import DoctorOptions
from zoe_depth_ros.ros.doctor.stvl import stvl_file


@dataclass(frozen=True)
class Examination:
    """
    What the doctor has to say.

    :param seen: what was looked at, one line each.
    :param findings: what needs attention.
    :param stvl: a parameter file, '' where none was wanted or the camera is not known.
    """

    seen: tuple[str, ...]
    findings: tuple[Finding, ...]
    stvl: str

    @property
    def is_well(self) -> bool:
        """Whether nothing is wrong; hints do not count."""
        return all(finding.severity != 'wrong' for finding in self.findings)


def examine(options: DoctorOptions) -> Examination:
    """Look at the graph for some seconds and return what is wrong with it."""
    graph = collect(options)
    findings = check_presence(graph, options.node)
    for node in graph.nodes:
        findings += check_node(node, graph)
    calibrations = [stream for node in graph.nodes for stream in node.calibrations]
    if options.stvl and not any(stream.arrivals for stream in calibrations):
        findings.append(wrong(
            'the fields of view are unknown, as no depth node publishes camera_info',
            'see that the node is active, and gets images and their camera_info'))
        calibrations = []
    return Examination(
        tuple(_seen(graph)), tuple(findings),
        stvl_file(calibrations) if options.stvl and calibrations else '')


def check_node(node: NodeFacts, graph: Graph) -> list[Finding]:
    """
    Return what is wrong around a depth node.

    What the node says itself, and that it makes no depth, is told where nothing else explains it.
    """
    findings = [
        *check_state(node), *check_device(node, graph), *check_weights(node),
        *check_subscribed(node), *check_publishers(node, graph), *check_qos(node),
        *check_silence(node, graph)]
    for camera in node.cameras:
        findings += [*check_calibration(camera), *check_frames(camera)]
    findings += [
        *check_clocks(node, graph), *check_transforms(node, graph), *check_delay(node)]
    if any(finding.severity == 'wrong' for finding in findings):
        return findings
    return findings + (check_warnings(node) or check_depth(node, graph))


def _seen(graph: Graph) -> list[str]:
    lines = []
    for node in graph.nodes:
        lines.append(f'{node.name}: {node.state or "no answer"}')
        lines += [_rate(camera.image) for camera in node.cameras]
        for depth in node.depths:
            delay_s = delay_of(depth, node)
            after = '' if delay_s is None else f', {delay_s:.3f} s after its image'
            lines.append(f'{_rate(depth)}{after}')
    if graph.parents is None:
        lines.append('transforms: not looked at, as tf2_msgs is not installed')
    return lines


def _rate(stream: Stream) -> str:
    rate = f', {1 / stream.period_s:.1f} a second' if stream.period_s else ''
    return f'{stream.topic}: {len(stream.arrivals)} came{rate}'
