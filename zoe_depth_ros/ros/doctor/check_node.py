# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Checks of the depth node itself: there, active, on a device, with weights, saying what."""

from __future__ import annotations

from difflib import get_close_matches
import os

from zoe_depth_ros.model.download import RELEASED_FILES
from zoe_depth_ros.ros.doctor.facts import Finding
from zoe_depth_ros.ros.doctor.facts import Graph
from zoe_depth_ros.ros.doctor.facts import hint
from zoe_depth_ros.ros.doctor.facts import NodeFacts
from zoe_depth_ros.ros.doctor.facts import wrong
from zoe_depth_ros.ros.doctor.machine import KNOWN_NAMES

TRANSITIONS = {
    'unconfigured': '`ros2 lifecycle set {0} configure`, then the same with activate; where that '
    'fails its output says why',
    'inactive': '`ros2 lifecycle set {0} activate`',
    'finalized': 'it was shut down: start it again'}


def check_presence(graph: Graph, wanted: str) -> list[Finding]:
    """Return whether no depth node was found; of another name than wanted is none."""
    if graph.nodes:
        return []
    what = f'no node {wanted} in the graph' if wanted else 'no depth node in the graph'
    if similar := get_close_matches(wanted, graph.node_names):
        return [wrong(what, f'did you mean {" or ".join(similar)}?')]
    domain_id = os.environ.get('ROS_DOMAIN_ID', '0')
    there = ', '.join(graph.node_names) or 'none at all'
    return [wrong(
        f'{what}, in which there are {there}',
        '`ros2 launch zoe_depth_ros depth.launch.py` starts one; nodes see each other where '
        f'ROS_DOMAIN_ID (here {domain_id}) and RMW_IMPLEMENTATION (here {graph.middleware}) '
        'are alike')]


def check_state(node: NodeFacts) -> list[Finding]:
    """Return whether a node is not active."""
    if node.state is None:
        return [wrong(
            f'{node.name} does not answer',
            'it loads its weights, which can take minutes, or hangs: look at its output, and '
            'ask again')]
    if node.state == 'active':
        return []
    remedy = TRANSITIONS.get(node.state, 'wait for the end of the transition, and ask again')
    return [wrong(f'{node.name} is {node.state}', remedy.format(node.name))]


def check_device(node: NodeFacts, graph: Graph) -> list[Finding]:
    """Return what keeps a node from a GPU, if it runs on this machine."""
    wanted, model = node.parameters.get('device', 'cpu'), node.parameters.get('model')
    if wanted == 'cpu' or node.device_in_use not in ('', 'cpu'):
        return []
    if graph.has_nvidia_gpu and (reason := node.device_problem or graph.gpu_problem):
        return [wrong(
            f'this machine has an NVIDIA GPU, but {reason}',
            'install a torch that is built for CUDA and fits the driver, as '
            'pytorch.org/get-started tells')]
    if node.device_problem:
        return [wrong(
            f'{node.name} wants what this machine does not have: {node.device_problem}',
            'set its parameter device to auto or cpu, or see to the GPU and its driver')]
    if graph.gpu_problem and model in RELEASED_FILES:
        return [hint(
            f'{node.name} runs {model} without a GPU', 'expect seconds for an image, or see to '
            'a GPU')]
    return []


def check_weights(node: NodeFacts) -> list[Finding]:
    """Return whether a node that is not running yet has no weights, or must download them."""
    if node.state == 'active':
        return []
    if node.model_problem:
        return [wrong(
            f'the parameter model of {node.name} is wrong: {node.model_problem}',
            _other_model(node))]
    if node.missing_weights:
        return [hint(
            f'the weights {node.parameters["model"]} are not on this machine yet',
            f'the node downloads them when it is configured; by hand: {node.missing_weights}')]
    return []


def _other_model(node: NodeFacts) -> str:
    """Return how to give a node a model that is there."""
    similar = get_close_matches(node.parameters['model'], KNOWN_NAMES, n=1)
    return (
        f'{f"did you mean {similar[0]}? " if similar else ""}`ros2 param set {node.name} model` '
        'with a name or the whole path of a file, then configure it; or start it again with '
        'another `model:=`')


def check_warnings(node: NodeFacts) -> list[Finding]:
    """Return what a node itself warns of."""
    return [wrong(
        f'{node.name} warns: {text}', 'its log has the details; /diagnostics counts what it drops')
        for text in node.warnings]


def check_depth(node: NodeFacts, graph: Graph) -> list[Finding]:
    """Return whether a node that gets images makes no depth."""
    if not any(camera.image.arrivals for camera in node.cameras):
        return []
    return [wrong(
        f'images come in, but nothing on {depth.topic} in {graph.seconds:g} s',
        f'listen for longer, `zoe_depth doctor --seconds {10 * graph.seconds:g}`; if that helps, '
        'the network is slow: a GPU or a smaller network_height and network_width make it faster')
        for depth in node.depths if not depth.arrivals]
