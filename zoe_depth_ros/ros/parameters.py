# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
ROS parameters from the options dataclasses: declared once, described, checked when set.

The estimator's options stand at the top level (`device`, `mode`), the points' under `points.`.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import fields
from dataclasses import is_dataclass
from typing import Any

from rcl_interfaces.msg import FloatingPointRange
from rcl_interfaces.msg import IntegerRange
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.node import Node

from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.option_fields import option_info
from zoe_depth_ros.option_fields import OptionInfo
from zoe_depth_ros.option_fields import with_options
from zoe_depth_ros.options import NodeConfig

FLATTENED = 'estimator.'
LARGEST_INTEGER = 2**31 - 1
LARGEST_FLOAT = 1e9


def parameter_paths(options: object | None = None, prefix: str = '') -> Iterator[tuple[str, Any]]:
    """Yield (path, default) of every option, `NodeConfig` by default, nested ones dotted."""
    owner = NodeConfig() if options is None else options
    for item in fields(owner):  # type: ignore[arg-type]
        value = getattr(owner, item.name)
        if is_dataclass(value):
            yield from parameter_paths(value, f'{prefix}{item.name}.')
        else:
            yield f'{prefix}{item.name}', value


def parameter_infos() -> dict[str, tuple[Any, OptionInfo]]:
    """Return {parameter name: (default, what is known of it)}."""
    infos = {}
    for path, default in parameter_paths():
        owner: object = NodeConfig()
        *outer, name = path.split('.')
        for part in outer:
            owner = getattr(owner, part)
        shown = list(default) if isinstance(default, tuple) else default
        infos[path.removeprefix(FLATTENED)] = (shown, option_info(owner, name))
    return infos


def declare_parameters(node: Node) -> NodeConfig:
    """
    Declare every option as a parameter and return the options as set at start.

    :raises ConfigError: a value given at start is wrong.
    """
    values = {
        name: node.declare_parameter(name, default, _descriptor(default, info)).value
        for name, (default, info) in parameter_infos().items()}
    return changed_config(NodeConfig(), values)


def changed_config(
    config: NodeConfig, values: Mapping[str, Any], *, live_only: bool = False,
) -> NodeConfig:
    """
    Return the options with some parameters changed.

    :param values: by parameter name; names of others are left out.
    :param live_only: refuse changes that need the node to be configured again.
    :raises ConfigError: a value is wrong or cannot change.
    """
    paths = {path.removeprefix(FLATTENED): path for path, _ in parameter_paths()}
    changed = with_options(config, {
        paths[name]: value for name, value in values.items() if name in paths})
    if live_only and (fixed := _fixed_changes(config, changed)):
        raise ConfigError(
            f'{", ".join(fixed)} cannot change while the node is configured: deactivate and '
            'clean it up first')
    return changed


def _fixed_changes(before: NodeConfig, after: NodeConfig) -> list[str]:
    """Return the names of parameters that differ although they are not live."""
    old, new = dict(parameter_paths(before)), dict(parameter_paths(after))
    is_live = {name: info.live for name, (_, info) in parameter_infos().items()}
    names = (path.removeprefix(FLATTENED) for path in old if new[path] != old[path])
    return [name for name in names if not is_live[name]]


def _descriptor(default: Any, info: OptionInfo) -> ParameterDescriptor:
    descriptor = ParameterDescriptor(
        description=info.doc, additional_constraints=', '.join(info.choices))
    if info.minimum is None and info.maximum is None:
        return descriptor
    if isinstance(default, float):
        descriptor.floating_point_range = [FloatingPointRange(
            from_value=float(-LARGEST_FLOAT if info.minimum is None else info.minimum),
            to_value=float(LARGEST_FLOAT if info.maximum is None else info.maximum))]
    else:
        descriptor.integer_range = [IntegerRange(
            from_value=int(-LARGEST_INTEGER if info.minimum is None else info.minimum),
            to_value=int(LARGEST_INTEGER if info.maximum is None else info.maximum), step=1)]
    return descriptor
