# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What a user sets: options of the estimator and of the node."""

from __future__ import annotations

from dataclasses import dataclass
import re

from zoe_depth_ros.config import SIZE_MULTIPLE
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.option_fields import check_options
from zoe_depth_ros.option_fields import option
from zoe_depth_ros.poses import parse_pose

MODES = ('robot', 'reference', 'paper')
PRECISIONS = ('auto', 'fp32', 'bf16', 'fp16')
DOMAIN_CHOICES = ('auto', 'indoor', 'outdoor', 'lock')
SCALE_SOURCES = ('none', 'factor', 'camera_height', 'range')
RANGE_TYPES = ('LaserScan', 'PointCloud2', 'Range')
CAMERA_NAME = re.compile('[A-Za-z][A-Za-z0-9_]*')


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
        'auto', 'auto: the router decides; indoor, outdoor: always that metric head; lock: keep '
        'the first verdict that stood (where frames follow each other, else as auto)',
        choices=DOMAIN_CHOICES, live=True)
    routing: str = option(
        'image', 'image: the router decides for every image, steadied over time by scene.*; '
        'batch: one domain for all images of one size given together and nothing over time, '
        'as in the reference code', choices=('image', 'batch'))
    output_size: str = option(
        'image', 'size of the depth image: that of the image, or of the network input',
        choices=('image', 'network'))
    beyond_range: str = option(
        'unknown', 'pixels beyond the range of the metric head, in mode robot: unknown, NaN; '
        'infinite, +Inf as in REP 117', choices=('unknown', 'infinite'))
    focal_normalisation: bool = option(
        False, 'multiply depth by the focal length over that of the training images, both in '
        'pixels of the network input')
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
    """What goes into the point clouds."""

    organized: bool = option(
        False, 'keep the image grid, unknown points NaN; else only valid points', live=True)
    stride: int = option(
        1, 'use every n-th row and column, or fewer where max_points wants it', minimum=1,
        maximum=64, live=True)
    max_points: int = option(
        15000, 'most points in a cloud, by a larger stride; 0 for no limit', minimum=0, live=True)
    voxel_size: float = option(
        0.0, 'metres; keep one point of each cube of this size, unless organized; 0 keeps them '
        'all', minimum=0.0, maximum=10.0, live=True)
    min_range: float = option(
        0.1, 'drop points nearer to the camera, metres', minimum=0.0, live=True)
    max_range: float = option(
        40.0, 'drop points farther from the camera, metres', minimum=0.0, live=True)
    free_rays: bool = option(
        False, 'put what is farther at max_range instead, for costmaps to clear by; with '
        'beyond_range infinite also what is beyond the range of the metric head', live=True)
    min_edge_angle: float = option(
        5.0, 'degrees between viewing ray and surface; points that hang in the air between a near '
        'and a far surface at a smaller angle are dropped; 0 keeps them',
        minimum=0.0, maximum=45.0, live=True)
    max_relative_std: float = option(
        0.0, 'drop points whose standard deviation over depth is larger; 0 keeps them all',
        minimum=0.0, maximum=10.0, live=True)
    std_dev_field: bool = option(
        False, 'give every point its standard deviation in metres, in a field std_dev', live=True)

    def __post_init__(self) -> None:
        check_options(self)
        if self.min_range >= self.max_range:
            raise ConfigError(
                f'points.min_range = {self.min_range} is not below '
                f'points.max_range = {self.max_range}')

    @property
    def needs_std_dev(self) -> bool:
        """True when clouds cannot be made without the standard deviation."""
        return self.std_dev_field or self.max_relative_std > 0


@dataclass(frozen=True)
class RoutingConfig:
    """How the router's verdicts on the frames of a camera become one steady verdict."""

    time_constant: float = option(
        0.2, 'seconds over which the log-odds of the router are averaged; 0 for no average',
        minimum=0.0, maximum=60.0, live=True)
    threshold: float = option(
        0.7, 'averaged probability that another domain must reach to take over',
        minimum=0.5, maximum=0.98, live=True)
    min_dwell: float = option(
        2.0, 'seconds that a settled verdict stands before another can follow',
        minimum=0.0, maximum=600.0, live=True)
    blend_time: float = option(
        0.5, 'seconds over which depth passes from one metric head to the other; 0 to jump',
        minimum=0.0, maximum=10.0, live=True)

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class GroundConfig:
    """How the ground is found. The fit knows no scale: halved depth gives half the height."""

    camera_pitch: float = option(
        0.0, 'degrees that the camera looks down from level', minimum=-60.0, maximum=60.0,
        live=True)
    max_tilt: float = option(
        12.0, 'degrees that the ground may differ from the expected direction',
        minimum=1.0, maximum=60.0, live=True)
    tolerance: float = option(
        0.1, 'height above or below the plane, over camera height, that still counts as ground '
        'in the fit', minimum=0.01, maximum=0.5, live=True)
    min_share: float = option(
        0.25, 'share of the points below the horizon that must be ground',
        minimum=0.05, maximum=1.0, live=True)
    max_height_ratio: float = option(
        2.5, 'where the camera height is known: how many times larger or smaller the fitted one '
        'may be', minimum=1.0, maximum=10.0, live=True)
    clearance: float = option(
        0.1, 'metres above the plane that are still ground', minimum=0.0, maximum=10.0, live=True)
    slope: float = option(
        0.02, 'height above the plane over distance that is still ground, where that is more',
        minimum=0.0, maximum=1.0, live=True)

    def __post_init__(self) -> None:
        check_options(self)


@dataclass(frozen=True)
class ScaleConfig:
    """What makes depth true to scale, and how fast it is believed."""

    source: str = option(
        'none', 'none; factor: a constant; camera_height: from the ground the camera stands '
        'above; range: from the sensor on the topic range', choices=SCALE_SOURCES, live=True)
    factor: float = option(
        1.0, 'depth is multiplied by it, with source factor', minimum=0.01, maximum=100.0,
        live=True)
    camera_height: float = option(
        1.0, 'metres above the ground, with source camera_height', minimum=0.01, maximum=100.0,
        live=True)
    range_type: str = option(
        'LaserScan', 'message type of the topic range, with source range', choices=RANGE_TYPES)
    range_transform: str = option(
        '', 'pose of the range sensor in the optical frame of the camera, "x y z qx qy qz qw" in '
        'metres; empty: from tf')
    max_age: float = option(
        0.2, 'seconds between image and range message beyond which they are not compared',
        minimum=0.0, maximum=10.0, live=True)
    min_pairs: int = option(
        20, 'pixels with a measured range below which a frame says nothing of the scale',
        minimum=1, live=True)
    time_constant: float = option(
        1.0, 'seconds over which readings are averaged', minimum=0.0, maximum=600.0, live=True)
    gate: float = option(
        0.4, 'relative difference at which a reading contradicts what is believed',
        minimum=0.01, maximum=1.0, live=True)
    persistence: float = option(
        3.0, 'seconds that a contradiction must last to be believed', minimum=0.0, maximum=600.0,
        live=True)

    def __post_init__(self) -> None:
        check_options(self)
        if self.range_transform:
            parse_pose(self.range_transform, 'range_transform')


@dataclass(frozen=True)
class NodeConfig:
    """The node: which images it takes and what it publishes."""

    model: str = option(
        'zoed_nk', 'zoed_n, zoed_k, zoed_nk, zoed_mini_nk, a path to .pt or .safetensors weights, '
        'or a Hugging Face repository')
    autostart: bool = option(True, 'configure and activate at start')
    cameras: tuple[str, ...] = option(
        ('',), 'names of the cameras; NAME/image and NAME/camera_info come in, ~/NAME/depth/image '
        'and the others go out; a single empty name leaves NAME/ away')
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
    scene: RoutingConfig = RoutingConfig()
    ground: GroundConfig = GroundConfig()
    scale: ScaleConfig = ScaleConfig()

    def __post_init__(self) -> None:
        check_options(self)
        if len(set(self.cameras)) != len(self.cameras) or not self.cameras:
            raise ConfigError(f'cameras = {list(self.cameras)} are not different names')
        for name in self.cameras:
            if not (CAMERA_NAME.fullmatch(name) or self.cameras == ('',)):
                raise ConfigError(
                    f'cameras = {list(self.cameras)}: {name!r} cannot be part of a topic name')
        if self.scale.range_transform and len(self.cameras) > 1:
            raise ConfigError(
                f'scale.range_transform = {self.scale.range_transform!r} cannot be true of '
                f'{len(self.cameras)} cameras: leave it empty and let tf tell')
