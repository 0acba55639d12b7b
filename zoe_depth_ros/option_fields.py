# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Dataclasses of options: what their fields carry, checks of it, and how they are built.

Fields may carry their description, their range and whether they can change running; ROS
parameters, their descriptors and the documentation are made from that.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import fields
from dataclasses import replace
import math
from typing import Any
from typing import TypeVar

from zoe_depth_ros.errors import ConfigError

Options = TypeVar('Options')


@dataclass(frozen=True)
class OptionInfo:
    """
    What is known of an option beside its default.

    :param doc: one line for users.
    :param choices: the values it can take, empty for any.
    :param minimum: smallest value of a number, None for any.
    :param maximum: largest value of a number, None for any.
    :param live: whether it can change while the node is active.
    """

    doc: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    live: bool = False


def option(default: Any, doc: str, **info: Any) -> Any:
    """Return a dataclass field with a default and its `OptionInfo`."""
    return field(default=default, metadata={'info': OptionInfo(doc, **info)})


def option_info(owner: type[Any] | object, name: str) -> OptionInfo:
    """Return what is known of a field made by `option`."""
    return next(item.metadata['info'] for item in fields(owner) if item.name == name)  # type: ignore[arg-type]


def check_options(owner: object) -> None:
    """
    Check every field of an options dataclass against its type, choices and range.

    :raises ConfigError: naming the first wrong option and its value.
    """
    for item in fields(owner):  # type: ignore[arg-type]
        info: OptionInfo | None = item.metadata.get('info')
        if info is not None:
            _check_value(item.name, getattr(owner, item.name), item.default, info)


def check_types(owner: object) -> None:
    """
    Check that fields whose default is a truth value, a number or a text hold one.

    :raises ConfigError: naming the first that does not, and its value.
    """
    for item in fields(owner):  # type: ignore[arg-type]
        if isinstance(item.default, bool | int | float | str):
            _check_value(item.name, getattr(owner, item.name), item.default, OptionInfo(''))


def _check_value(name: str, value: Any, default: Any, info: OptionInfo) -> None:
    wanted = (int, float) if isinstance(default, float) else type(default)
    if not isinstance(value, wanted) or isinstance(value, bool) != isinstance(default, bool):
        raise ConfigError(f'{name} = {value!r} is not a {type(default).__name__}')
    if isinstance(value, tuple) and not all(isinstance(item, str) for item in value):
        raise ConfigError(f'{name} = {value!r} is not a list of names')
    if info.choices and value not in info.choices:
        raise ConfigError(f'{name} = {value!r} is not one of {", ".join(info.choices)}')
    if isinstance(value, float) and math.isnan(value):
        raise ConfigError(f'{name} = {value} is not a number')
    if info.minimum is not None and value < info.minimum:
        raise ConfigError(f'{name} = {value} is below {info.minimum}')
    if info.maximum is not None and value > info.maximum:
        raise ConfigError(f'{name} = {value} is above {info.maximum}')


def with_options(options: Options, changes: Mapping[str, Any]) -> Options:
    """
    Return options with some values changed; dots reach into nested options.

    :raises ConfigError: a value is wrong, or a name is unknown.
    """
    own: dict[str, Any] = {}
    nested: dict[str, dict[str, Any]] = {}
    for name, value in changes.items():
        outer, _, inner = name.partition('.')
        if inner:
            nested.setdefault(outer, {})[inner] = value
        else:
            own[outer] = tuple(value) if isinstance(value, list) else value
    for outer, inner_changes in nested.items():
        own[outer] = with_options(getattr(options, outer, None), inner_changes)
    try:
        return replace(options, **own)  # type: ignore[type-var]
    except TypeError as error:
        raise ConfigError(f'unknown option in {", ".join(sorted(changes))}') from error


def build_config(cls: type[Any], values: Mapping[str, Any]) -> Any:
    """
    Build a configuration dataclass from plain values, lists becoming tuples.

    1e-4 is a text in YAML, which wants 1.0e-4; where a number is expected it becomes one.

    :raises ConfigError: a name is unknown, or the dataclass refuses a value.
    """
    known = {item.name for item in fields(cls)}
    unknown = sorted(map(str, set(values) - known))
    if unknown:
        raise ConfigError(f'{cls.__name__} has no option {", ".join(unknown)}')
    numbers = {item.name for item in fields(cls) if isinstance(item.default, float)}
    tidy = {name: _number(value) if name in numbers else _tuple(value)
            for name, value in values.items()}
    try:
        return cls(**tidy)
    except TypeError as error:
        raise ConfigError(f'{cls.__name__}: {error}') from error


def _tuple(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value


def _number(value: Any) -> Any:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        return value
