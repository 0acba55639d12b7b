# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
What a user sets: options of the estimator and of the node.

Every field carries its description, its range or choices, and whether it can change while
running; ROS parameters, their descriptors and the documentation are made from these fields.
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

from zoe_depth_ros.config import SIZE_MULTIPLE
from zoe_depth_ros.errors import ConfigError

MODES = ('robot', 'reference', 'paper')
PRECISIONS = ('auto', 'fp32', 'bf16', 'fp16')
DOMAIN_CHOICES = ('auto', 'indoor', 'outdoor')


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


def _check_value(name: str, value: Any, default: Any, info: OptionInfo) -> None:
    wanted = (int, float) if isinstance(default, float) else type(default)
    if not isinstance(value, wanted) or isinstance(value, bool) != isinstance(default, bool):
        raise ConfigError(f'{name} = {value!r} is not a {type(default).__name__}')
    if info.choices and value not in info.choices:
        raise ConfigError(f'{name} = {value!r} is not one of {", ".join(info.choices)}')
    if isinstance(value, float) and math.isnan(value):
        raise ConfigError(f'{name} = {value} is not a number')
    if info.minimum is not None and value < info.minimum:
        raise ConfigError(f'{name} = {value} is below {info.minimum}')
    if info.maximum is not None and value > info.maximum:
        raise ConfigError(f'{name} = {value} is above {info.maximum}')


@dataclass(frozen=True)
class EstimatorConfig:
    """How images become depth."""

    device: str = option('auto', 'auto (a GPU if there is one), cpu, or cuda:N')
    precision: str = option(
        'auto', 'arithmetic of encoder and decoder; auto is bf16 on a GPU, fp32 on a CPU',
        choices=PRECISIONS)
    mode: str = option(
        'robot', 'robot: keep the aspect ratio; reference: also pad and flip, as the reference '
        'code infers; paper: squash and flip, as it evaluates', choices=MODES)
    network_height: int = option(
        0, 'network input height, a multiple of 32; 0 for the size the model was trained for',
        minimum=0, maximum=2048)
    network_width: int = option(
        0, 'network input width, a multiple of 32; 0 for the size the model was trained for',
        minimum=0, maximum=4096)
    domain: str = option(
        'auto', 'auto: the router decides for every image; else always that metric head',
        choices=DOMAIN_CHOICES, live=True)
    routing: str = option(
        'image', 'image: the router decides for every image; batch: one domain for all images '
        'given together, as in the reference code', choices=('image', 'batch'))
    output_size: str = option(
        'image', 'size of the depth image: that of the image, or of the network input',
        choices=('image', 'network'))
    self_check: str = option(
        'refuse', 'when reduced precision differs too much from fp32 at load: refuse to start, '
        'or fall back to fp32; off: do not check', choices=('refuse', 'fallback', 'off'))
    self_check_limit: float = option(
        0.05, 'largest mean relative difference of depth allowed by the self-check',
        minimum=0.0, maximum=1.0)

    def __post_init__(self) -> None:
        check_options(self)
        for name in ('network_height', 'network_width'):
            if getattr(self, name) % SIZE_MULTIPLE:
                raise ConfigError(
                    f'{name} = {getattr(self, name)} is not a multiple of {SIZE_MULTIPLE}')
        if self.output_size == 'network' and self.mode == 'reference':
            raise ConfigError(
                f'output_size = {self.output_size!r} contradicts mode = {self.mode!r}, whose '
                'network input has a padding that belongs to no pixel of the image')


@dataclass(frozen=True)
class PointsConfig:
    """What goes into the point cloud."""

    organized: bool = option(
        False, 'keep the image grid, unknown points NaN; else only valid points', live=True)
    stride: int = option(2, 'use every n-th row and column', minimum=1, maximum=64, live=True)
    min_range: float = option(
        0.1, 'drop points nearer to the camera, metres', minimum=0.0, live=True)
    max_range: float = option(
        40.0, 'drop points farther from the camera, metres', minimum=0.0, live=True)

    def __post_init__(self) -> None:
        check_options(self)
        if self.min_range >= self.max_range:
            raise ConfigError(
                f'points.min_range = {self.min_range} is not below '
                f'points.max_range = {self.max_range}')


@dataclass(frozen=True)
class NodeConfig:
    """The node: which images it takes and what it publishes."""

    model: str = option(
        'zoed_nk', 'zoed_n, zoed_k, zoed_nk, zoed_mini_nk, a path to .pt or .safetensors weights, '
        'or a Hugging Face repository')
    autostart: bool = option(True, 'configure and activate at start')
    image_transport: str = option(
        'raw', 'raw: subscribe to image; compressed: to image/compressed',
        choices=('raw', 'compressed'))
    rectify: str = option(
        'auto', 'undistort the image by camera_info: always, never, or auto: when it is '
        'distorted and the topic is not called image_rect*',
        choices=('auto', 'always', 'never'), live=True)
    depth_encoding: str = option(
        '32FC1', '32FC1: metres, NaN where unknown; 16UC1: millimetres, 0 where unknown',
        choices=('32FC1', '16UC1'), live=True)
    diagnostics_period: float = option(
        1.0, 'seconds between diagnostics', minimum=0.1, maximum=60.0)
    estimator: EstimatorConfig = EstimatorConfig()
    points: PointsConfig = PointsConfig()

    def __post_init__(self) -> None:
        check_options(self)


Options = TypeVar('Options')


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
            own[outer] = value
    for outer, inner_changes in nested.items():
        own[outer] = with_options(getattr(options, outer, None), inner_changes)
    try:
        return replace(options, **own)  # type: ignore[type-var]
    except TypeError as error:
        raise ConfigError(f'unknown option in {", ".join(sorted(changes))}') from error
