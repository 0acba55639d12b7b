# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Launch files are executed, by launch_ros where it is installed, else by what stands in for it.

The stand-ins have names and keywords of launch 3.4 and launch_ros 0.26 (Jazzy), and only those
that the launch files here need: another name cannot be imported, another keyword is a TypeError.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
import os
from pathlib import Path
import runpy
import sys
import tempfile
from types import ModuleType
from typing import Any

import pytest
import yaml

# Of rtabmap_launch 0.22.1, those that concern the depth node or its document.
RTABMAP_ARGUMENTS = (
    'approx_sync', 'args', 'camera_info_topic', 'database_path', 'depth_topic', 'frame_id',
    'localization', 'log_level', 'namespace', 'odom_frame_id', 'odom_topic', 'qos_camera_info',
    'qos_image', 'rgb_topic', 'rtabmap_args', 'rtabmap_viz', 'rviz', 'sync_queue_size',
    'topic_queue_size', 'use_sim_time', 'visual_odometry')
RTABMAP_LAUNCH = f"""
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node


def generate_launch_description():
    return LaunchDescription([
        *[DeclareLaunchArgument(name, default_value='its own', description='as it is there')
          for name in {RTABMAP_ARGUMENTS}],
        Node(package='rtabmap_slam', executable='rtabmap', name='rtabmap', arguments=[
            [name, ':=', LaunchConfiguration(name)] for name in {RTABMAP_ARGUMENTS}])])
"""


# What stands in for launch


class LaunchContext:
    def __init__(self, *, argv: Iterable[str] | None = None, noninteractive: bool = False) -> None:
        self.argv, self.noninteractive = list(argv or ()), noninteractive
        self.launch_configurations: dict[str, str] = {}
        self.kept: list[dict[str, str]] = []


class Substitution:
    def perform(self, context: LaunchContext) -> str:
        raise NotImplementedError


class TextSubstitution(Substitution):
    def __init__(self, *, text: str) -> None:
        self.text = text

    def perform(self, context: LaunchContext) -> str:
        return self.text


class LaunchConfiguration(Substitution):
    def __init__(self, variable_name: Any) -> None:
        self.variable_name = listed(variable_name)

    def perform(self, context: LaunchContext) -> str:
        return context.launch_configurations[performed(context, self.variable_name)]


class PathJoinSubstitution(Substitution):
    def __init__(self, substitutions: Iterable[Any]) -> None:
        self.substitutions = listed(substitutions)

    def perform(self, context: LaunchContext) -> str:
        return os.path.join(*(part.perform(context) for part in self.substitutions))


class FindPackageShare(Substitution):
    def __init__(self, package: Any) -> None:
        self.package = listed(package)

    def perform(self, context: LaunchContext) -> str:
        from ament_index_python.packages import get_package_share_directory
        return get_package_share_directory(performed(context, self.package))


def listed(text: Any) -> list[Substitution]:
    """Return a text, a substitution, or several that belong together, as a list."""
    parts = [text] if isinstance(text, str | Substitution) else list(text)
    if wrong := [part for part in parts if not isinstance(part, str | Substitution)]:
        raise TypeError(f'{wrong[0]!r} is neither a text nor a substitution')
    return [TextSubstitution(text=part) if isinstance(part, str) else part for part in parts]


def performed(context: LaunchContext, parts: list[Substitution]) -> str:
    return ''.join(part.perform(context) for part in parts)


class IfCondition:
    def __init__(self, predicate_expression: Any) -> None:
        self._expression = listed(predicate_expression)

    def evaluate(self, context: LaunchContext) -> bool:
        words = {'true': True, '1': True, 'false': False, '0': False}
        return words[performed(context, self._expression).strip().lower()]


class LaunchDescriptionEntity:
    def visit(self, context: LaunchContext) -> list[LaunchDescriptionEntity] | None:
        raise NotImplementedError

    def describe_sub_entities(self) -> list[LaunchDescriptionEntity]:
        return []


class LaunchDescription(LaunchDescriptionEntity):
    def __init__(self, initial_entities: Iterable[LaunchDescriptionEntity] | None = None) -> None:
        self.entities = list(initial_entities or ())
        for entity in self.entities:
            if not isinstance(entity, LaunchDescriptionEntity):
                raise TypeError(f'{entity!r} cannot be launched')

    def visit(self, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        return self.entities

    def describe_sub_entities(self) -> list[LaunchDescriptionEntity]:
        return self.entities

    def get_launch_arguments(self) -> list[DeclareLaunchArgument]:
        found: dict[str, DeclareLaunchArgument] = {}

        def look(entity: LaunchDescriptionEntity) -> None:
            if isinstance(entity, DeclareLaunchArgument):
                found.setdefault(entity.name, entity)
            for part in entity.describe_sub_entities():
                look(part)

        look(self)
        return list(found.values())


class Action(LaunchDescriptionEntity):
    def __init__(self, *, condition: IfCondition | None = None) -> None:
        self.condition = condition

    def visit(self, context: LaunchContext) -> list[LaunchDescriptionEntity] | None:
        is_wanted = self.condition is None or self.condition.evaluate(context)
        return self.execute(context) if is_wanted else None

    def execute(self, context: LaunchContext) -> list[LaunchDescriptionEntity] | None:
        raise NotImplementedError


class DeclareLaunchArgument(Action):
    def __init__(
        self, name: str, *, default_value: Any = None, description: str | None = None,
        condition: IfCondition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        self.name, self.description = name, description or 'no description given'
        self.default_value = None if default_value is None else listed(default_value)

    def execute(self, context: LaunchContext) -> None:
        if self.name not in context.launch_configurations:
            if self.default_value is None:
                raise RuntimeError(f'the launch argument {self.name} was not given')
            context.launch_configurations[self.name] = performed(context, self.default_value)


class OpaqueFunction(Action):
    def __init__(
        self, *, function: Callable[..., list[LaunchDescriptionEntity] | None],
        condition: IfCondition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        self._function = function

    def execute(self, context: LaunchContext) -> list[LaunchDescriptionEntity] | None:
        return self._function(context)


class GroupAction(Action):
    def __init__(
        self, actions: Iterable[Action], *, condition: IfCondition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        self._actions = list(actions)

    def describe_sub_entities(self) -> list[LaunchDescriptionEntity]:
        return [*self._actions]

    def execute(self, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        def keep(context: LaunchContext) -> None:
            context.kept.append(dict(context.launch_configurations))

        def restore(context: LaunchContext) -> None:
            context.launch_configurations = context.kept.pop()

        return [OpaqueFunction(function=keep), *self._actions, OpaqueFunction(function=restore)]


class PythonLaunchDescriptionSource:
    def __init__(self, launch_file_path: Any) -> None:
        self._location = listed(launch_file_path)

    def get_launch_description(self, context: LaunchContext) -> LaunchDescription:
        path = performed(context, self._location)
        return runpy.run_path(path)['generate_launch_description']()


class IncludeLaunchDescription(Action):
    def __init__(
        self, launch_description_source: PythonLaunchDescriptionSource, *,
        launch_arguments: Iterable[tuple[Any, Any]] | None = None,
        condition: IfCondition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        self._source = launch_description_source
        self._arguments = [
            (listed(name), listed(value)) for name, value in launch_arguments or ()]

    def describe_sub_entities(self) -> list[LaunchDescriptionEntity]:
        return [self._source.get_launch_description(LaunchContext())]

    def execute(self, context: LaunchContext) -> list[LaunchDescriptionEntity]:
        description = self._source.get_launch_description(context)
        for name, value in self._arguments:
            context.launch_configurations[performed(context, name)] = performed(context, value)
        return [description]


# What stands in for launch_ros


class Node(Action):
    UNSPECIFIED_NODE_NAME = '<node_name_unspecified>'
    UNSPECIFIED_NODE_NAMESPACE = '<node_namespace_unspecified>'

    def __init__(
        self, *, executable: str, package: str | None = None, name: str | None = None,
        namespace: Any = None, parameters: list[Any] | None = None,
        remappings: Iterable[tuple[Any, Any]] | None = None,
        ros_arguments: list[Any] | None = None, arguments: list[Any] | None = None,
        output: str = 'log', emulate_tty: bool = False, respawn: bool = False,
        respawn_delay: float | None = None, condition: IfCondition | None = None,
    ) -> None:
        super().__init__(condition=condition)
        if not isinstance(parameters, list | None):
            raise TypeError(f'parameters are a list, not {parameters!r}')
        self.node_package, self.node_executable = package, executable
        self._name, self._namespace = name, None if namespace is None else listed(namespace)
        self._parameters = [
            {key: yaml_of(value) for key, value in item.items()} if isinstance(item, Mapping)
            else listed(str(item) if isinstance(item, Path) else item)
            for item in parameters or ()]
        self._remappings = [(listed(own), listed(other)) for own, other in remappings or ()]
        self.expanded_remapping_rules: list[tuple[str, str]] | None = None
        self.cmd = [listed(word) for word in (
            executable, *(arguments or ()), '--ros-args', *(ros_arguments or ()))]
        if name is not None:
            self._add('-r', f'__node:={name}')

    def _perform_substitutions(self, context: LaunchContext) -> None:
        space = self.UNSPECIFIED_NODE_NAMESPACE
        if self._namespace is not None:
            space = '/' + performed(context, self._namespace).strip('/')
            self._add('-r', f'__ns:={space}')
        self.node_name = f'{space.rstrip("/")}/{self._name or self.UNSPECIFIED_NODE_NAME}'
        for item in self._parameters:
            path = self._file(context, item) if isinstance(item, dict) else performed(
                context, item)
            if Path(path).is_file():  # launch_ros only warns of one that is not there
                self._add('--params-file', path)
        self.expanded_remapping_rules = [
            (performed(context, own), performed(context, other))
            for own, other in self._remappings] or None
        for own, other in self.expanded_remapping_rules or ():
            self._add('-r', f'{own}:={other}')

    def _file(self, context: LaunchContext, parameters: dict[str, Any]) -> str:
        values = {
            name: yaml.safe_load(performed(context, value)) if isinstance(value, list) else value
            for name, value in parameters.items()}
        is_known = '<' not in self.node_name
        with tempfile.NamedTemporaryFile('w', delete=False) as file:
            yaml.dump({self.node_name if is_known else '/**': {'ros__parameters': values}}, file)
        return file.name

    def _add(self, *words: str) -> None:
        self.cmd += [listed(word) for word in words]


def yaml_of(value: Any) -> Any:
    """Return a parameter's value: a substitution as a list, as its text is read as YAML."""
    if isinstance(value, Substitution):
        return [value]
    if isinstance(value, list | tuple):
        value = tuple(value)
    for item in value if isinstance(value, tuple) else (value,):
        if not isinstance(item, str | bool | int | float):
            raise TypeError(f'{item!r} cannot be a parameter')
    return value


STAND_INS = {
    'launch': (LaunchContext, LaunchDescription, LaunchDescriptionEntity),
    'launch.actions': (
        DeclareLaunchArgument, GroupAction, IncludeLaunchDescription, OpaqueFunction),
    'launch.conditions': (IfCondition,),
    'launch.launch_description_sources': (PythonLaunchDescriptionSource,),
    'launch.substitutions': (LaunchConfiguration, PathJoinSubstitution, TextSubstitution),
    'launch_ros': (),
    'launch_ros.actions': (Node,),
    'launch_ros.substitutions': (FindPackageShare,),
}


# Executing launch files


@dataclass(frozen=True)
class StartedNode:
    """
    A node that a launch file starts.

    :param name: its full name, '' in the place of what is left to the executable.
    :param words: its command line after the executable.
    """

    package: str
    executable: str
    name: str
    words: list[str]
    remappings: list[tuple[str, str]]

    @property
    def parameter_files(self) -> list[str]:
        return [word for before, word in zip(self.words, self.words[1:], strict=False)
                if before == '--params-file']


class LaunchFile:
    """A launch file that was read."""

    def __init__(self, path: Path) -> None:
        self.content = runpy.run_path(str(path))
        self.description = self.content['generate_launch_description']()

    @property
    def descriptions(self) -> dict[str, str]:
        """What is told of every argument, also of those of the files it includes."""
        return {item.name: item.description for item in self.description.get_launch_arguments()}

    def start(self, **arguments: str) -> dict[str, StartedNode]:
        """Return the nodes that it starts, by executable."""
        from launch import LaunchContext
        context = LaunchContext()
        context.launch_configurations.update(arguments)
        return {node.executable: node for node in started([self.description], context)}


def started(entities: Iterable[Any], context: Any) -> Iterator[StartedNode]:
    """Visit entities as a launch service does, but for nodes, which are not executed."""
    from launch_ros.actions import Node
    for entity in entities:
        if not isinstance(entity, Node):
            yield from started(entity.visit(context) or (), context)
        elif entity.condition is None or entity.condition.evaluate(context):
            entity._perform_substitutions(context)
            name = entity.node_name
            for unspecified in (Node.UNSPECIFIED_NODE_NAME, Node.UNSPECIFIED_NODE_NAMESPACE):
                name = name.replace(unspecified, '')
            yield StartedNode(
                entity.node_package, entity.node_executable, name,
                list(command_line(entity, context)), entity.expanded_remapping_rules or [])


def command_line(node: Any, context: Any) -> Iterator[str]:
    space, _, name = node.node_name.rpartition('/')
    for word in node.cmd[1:]:
        # What launch_ros fills in when it executes the node.
        text = getattr(word[0], 'expression', '')
        if text.startswith('ros_specific_arguments'):
            yield f'__node:={name}' if 'name' in text else f'__ns:={space or "/"}'
        else:
            yield ''.join(part.perform(context) for part in word)


def use_launch(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """
    Have launch files executed, with a package rtabmap_launch.

    :param folder: for files that come into being.
    """
    if find_spec('launch_ros') is None:
        for name, parts in STAND_INS.items():
            module = ModuleType(name)
            vars(module).update({part.__name__: part for part in parts})
            patch.setitem(sys.modules, name, module)
    share = folder / 'share' / 'rtabmap_launch'
    for path, text in (
            (share.parent / 'ament_index' / 'resource_index' / 'packages' / share.name, ''),
            (share / 'launch' / 'rtabmap.launch.py', RTABMAP_LAUNCH)):
        path.parent.mkdir(parents=True)
        path.write_text(text)
    patch.setenv('AMENT_PREFIX_PATH', str(folder), prepend=os.pathsep)
    patch.setattr(tempfile, 'tempdir', str(folder))
