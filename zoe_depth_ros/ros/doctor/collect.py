# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Looks at a running graph for some seconds."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
from importlib import import_module
from os.path import commonpath
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from diagnostic_msgs.msg import DiagnosticStatus
from lifecycle_msgs.srv import GetState
from rcl_interfaces.srv import GetParameters
from rclpy.node import Node
from rclpy.parameter import parameter_value_to_python
from rclpy.utilities import get_rmw_implementation_identifier
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import CompressedImage
from sensor_msgs.msg import Image

from zoe_depth_ros.frame_forest import frame_name
from zoe_depth_ros.ros.doctor.facts import CameraFacts
from zoe_depth_ros.ros.doctor.facts import Channel
from zoe_depth_ros.ros.doctor.facts import Graph
from zoe_depth_ros.ros.doctor.facts import NodeFacts
from zoe_depth_ros.ros.doctor.machine import device_problem
from zoe_depth_ros.ros.doctor.machine import has_nvidia_gpu
from zoe_depth_ros.ros.doctor.machine import missing_weights
from zoe_depth_ros.ros.doctor.machine import model_problem
from zoe_depth_ros.ros.doctor.observer import Observer
from zoe_depth_ros.ros.doctor.observer import Question
from zoe_depth_ros.ros.doctor.options import DoctorOptions
from zoe_depth_ros.ros.transforms import HAS_TF
from zoe_depth_ros.ros.transforms import STATIC_TOPIC
from zoe_depth_ros.ros.transforms import TOPIC

NODE_NAME = 'depth_node'
DISCOVERY_S = 4.0  # longer than the 3 s after which Fast DDS announces a participant again
SETTLE_S = 0.4  # between a node's name and all its topics
ANSWER_S = 1.0
IMAGE, COMPRESSED = 'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'
INFO = 'sensor_msgs/msg/CameraInfo'
MESSAGES = {IMAGE: Image, COMPRESSED: CompressedImage, INFO: CameraInfo}
RANGES = tuple(f'sensor_msgs/msg/{name}' for name in ('LaserScan', 'PointCloud2', 'Range'))
OWN_PARAMETERS = ('use_sim_time', 'model', 'device')


def collect(options: DoctorOptions) -> Graph:
    """Return what can be seen and heard of a graph in some seconds."""
    with Observer() as observer:
        observer.spin(DISCOVERY_S, until=lambda: _is_discovered(observer, options))
        observer.spin(SETTLE_S)
        diagnostics, transforms = _Diagnostics(observer), _Transforms(observer)
        watches = [
            _Watch(observer, name, options) for name in _depth_nodes(observer, options.node)]
        if watches:
            observer.spin(options.seconds)
        for watch in watches:
            watch.ask_neighbours()
        observer.spin(ANSWER_S, until=lambda: all(watch.is_answered for watch in watches))
        names = tuple(watch.name for watch in watches)
        return Graph(
            nodes=tuple(watch.facts(diagnostics) for watch in watches),
            node_names=observer.node_names(),
            published=_published_by_others(observer, names),
            has_clock=observer.sim_time_ns() is not None, parents=transforms.parents,
            gpu_problem=device_problem('cuda:0'), has_nvidia_gpu=has_nvidia_gpu(),
            middleware=get_rmw_implementation_identifier(), seconds=options.seconds)


def pair_topics(images: Sequence[str], infos: Sequence[str]) -> list[tuple[str, str]]:
    """Return every image topic with the camera_info topic whose name begins most alike, or ''."""
    return [
        (image, max(infos, key=lambda info: len(commonpath([image, info])), default=''))
        for image in images]


class _Watch:
    """What is to be known of one depth node; the questions are asked at once."""

    def __init__(self, observer: Observer, name: str, options: DoctorOptions) -> None:
        self.name = name
        self._observer = observer
        self._inputs = _inputs(observer, name, options)
        self._outputs = _topics(observer.node.get_publisher_names_and_types_by_node, name)
        self._depths = self._listen('/depth/image')
        self._calibrations = self._listen('/depth/camera_info')
        for topic, type_name in self._inputs.items():
            if type_name in MESSAGES:
                observer.listen(topic, MESSAGES[type_name])
        self._state = observer.ask(GetState, f'{name}/get_state')
        self._parameters = _ask_parameters(observer, name, *OWN_PARAMETERS)
        self._sim_time_of: dict[str, Question] = {}

    def ask_neighbours(self) -> None:
        """Ask the nodes at the other ends of its topics for their clock."""
        look = self._observer
        ends = [
            *(end for topic in self._inputs for end in look.publishers(topic)),
            *(end for topic in self._outputs for end in look.subscriptions(topic))]
        neighbours = {end.node for end in ends} & set(look.node_names()) - {self.name}
        self._sim_time_of = {
            name: _ask_parameters(look, name, 'use_sim_time') for name in neighbours}

    @property
    def is_answered(self) -> bool:
        """Whether it and all its neighbours have answered."""
        return all(question.answer is not None for question in (
            self._state, self._parameters, *self._sim_time_of.values()))

    def facts(self, diagnostics: _Diagnostics) -> NodeFacts:
        """Return what came in until now."""
        state, parameters = self._state.answer, _values(self._parameters, OWN_PARAMETERS)
        stream = self._observer.stream
        return NodeFacts(
            name=self.name, state=None if state is None else state.current_state.label,
            parameters=parameters,
            inputs=self._channels(self._inputs), outputs=self._channels(self._outputs),
            cameras=tuple(
                CameraFacts(stream(image), stream(info)) for image, info in self._cameras()),
            depths=tuple(map(stream, self._depths)),
            calibrations=tuple(map(stream, self._calibrations)),
            warnings=diagnostics.warnings(self.name),
            sim_time_of={
                name: values['use_sim_time'] for name, question in self._sim_time_of.items()
                if (values := _values(question, ('use_sim_time',)))},
            device_in_use=diagnostics.device(self.name),
            device_problem=device_problem(parameters.get('device', 'auto')),
            model_problem=model_problem(parameters['model']) if parameters else '',
            missing_weights=missing_weights(parameters['model']) if parameters else '')

    def _listen(self, ending: str) -> list[str]:
        topics = [topic for topic, type_name in self._outputs.items()
                  if topic.endswith(ending) and type_name in MESSAGES]
        for topic in topics:
            self._observer.listen(topic, MESSAGES[self._outputs[topic]])
        return topics

    def _cameras(self) -> list[tuple[str, str]]:
        def of(*types: str) -> list[str]:
            return [topic for topic, type_name in self._inputs.items() if type_name in types]
        return pair_topics(of(IMAGE, COMPRESSED), of(INFO))

    def _channels(self, topics: Mapping[str, str]) -> tuple[Channel, ...]:
        look = self._observer
        return tuple(
            Channel(topic, type_name, look.publishers(topic), look.subscriptions(topic))
            for topic, type_name in topics.items())


class _Diagnostics:
    """The last status of everybody on /diagnostics."""

    def __init__(self, observer: Observer) -> None:
        self._last: dict[str, Any] = {}
        observer.subscribe('/diagnostics', DiagnosticArray, self._keep)

    def warnings(self, node_name: str) -> tuple[str, ...]:
        """Return what a node warns of."""
        return tuple(
            status.message for status in self._of(node_name)
            if status.level != DiagnosticStatus.OK)

    def device(self, node_name: str) -> str:
        """Return what a node says it computes on, '' if it says nothing."""
        return next((status.hardware_id for status in self._of(node_name)), '')

    def _of(self, node_name: str) -> list[Any]:
        return [status for name, status in self._last.items()
                if name.partition(':')[0] == node_name]

    def _keep(self, message: Any) -> None:
        self._last.update({status.name: status for status in message.status})


class _Transforms:
    """Which frame hangs on which."""

    def __init__(self, observer: Observer) -> None:
        self.parents: dict[str, str] | None = None
        if not HAS_TF:
            return
        self.parents = {}
        message_class = import_module('tf2_msgs.msg').TFMessage
        for topic in (TOPIC, STATIC_TOPIC):
            observer.subscribe(topic, message_class, self._keep)

    def _keep(self, message: Any) -> None:
        for item in message.transforms:
            child, parent = item.child_frame_id, item.header.frame_id
            self.parents[frame_name(child)] = frame_name(parent)  # type: ignore[index]


def _depth_nodes(observer: Observer, wanted: str) -> list[str]:
    names = observer.node_names()
    if wanted:
        return [name for name in names if name == wanted]
    return [name for name in names
            if name.endswith(f'/{NODE_NAME}') or _is_like_a_depth_node(observer.node, name)]


def _is_discovered(observer: Observer, options: DoctorOptions) -> bool:
    names = _depth_nodes(observer, options.node)
    return bool(names) and all(
        observer.publishers(topic) for name in names
        for topic in _inputs(observer, name, options))


def _is_like_a_depth_node(node: Node, name: str) -> bool:
    outputs = _topics(node.get_publisher_names_and_types_by_node, name)
    services = _topics(node.get_service_names_and_types_by_node, name)
    return f'{name}/get_state' in services and any(
        topic.startswith(f'{name}/') and topic.endswith('depth/image') for topic in outputs)


def _inputs(observer: Observer, name: str, options: DoctorOptions) -> dict[str, str]:
    """Return the topics that a node takes or should take, with their types."""
    subscribed = _topics(observer.node.get_subscriber_names_and_types_by_node, name)
    inputs = {topic: type_name for topic, type_name in subscribed.items()
              if type_name in MESSAGES or type_name in RANGES}
    if options.image:
        published = {endpoint.type_name for endpoint in observer.publishers(options.image)}
        inputs.setdefault(options.image, COMPRESSED if published == {COMPRESSED} else IMAGE)
    if options.camera_info:
        inputs.setdefault(options.camera_info, INFO)
    return inputs


def _topics(names_and_types_by_node: Any, name: str) -> dict[str, str]:
    namespace, _, base = name.rpartition('/')
    try:
        return {topic: types[0] for topic, types in names_and_types_by_node(
            base, namespace or '/')}
    except RuntimeError:  # the node has just left
        return {}


def _published_by_others(
    observer: Observer, names: Sequence[str],
) -> dict[str, tuple[str, ...]]:
    topics = observer.node.get_topic_names_and_types()
    return {topic: tuple(types) for topic, types in topics if any(
        endpoint.node not in names for endpoint in observer.publishers(topic))}


def _ask_parameters(observer: Observer, node_name: str, *names: str) -> Question:
    return observer.ask(GetParameters, f'{node_name}/get_parameters', names=list(names))


def _values(question: Question, names: Sequence[str]) -> dict[str, Any]:
    """Return the answered parameters by name; none if one of them is unknown there."""
    answer = question.answer
    if answer is None or len(answer.values) != len(names):
        return {}
    values = map(parameter_value_to_python, answer.values)
    return dict(zip(names, values, strict=True))
