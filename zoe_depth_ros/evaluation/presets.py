# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The ten benchmarks of the paper (arXiv 2302.12288, tables 1 to 4), as its code evaluates them.

Where the text of the paper and its code differ, the code decides, since the published numbers
come from it: the indoor crop is in absolute pixels whatever the size of the image, and DIML
starts at 2 m.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.config import Domain
from zoe_depth_ros.datasets.config import DatasetConfig
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.metrics import EVALUATION_MASKS

# Stands for the 0 of the reference code, whose logarithm is not finite.
SMALLEST_M = 1e-6
IBIMS_SCALE = 65535 / 50  # integers a metre: 16 bits for 50 m


@dataclass(frozen=True)
class PublishedResult:
    """
    What was published for a model.

    :param model: its name in the publication.
    :param d1: fraction of pixels with a ratio below 1.25, None where not given.
    :param rel: mean relative error.
    :param rmse: root mean square error, metres.
    :param source: where it stands.
    :param others: more figures, by the heading of their column.
    """

    model: str
    d1: float | None
    rel: float
    rmse: float
    source: str
    others: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True)
class Preset:
    """
    How one benchmark is evaluated.

    :param name: on the command line.
    :param title: its name in the paper.
    :param images: how many it has.
    :param domain: metric head and router label.
    :param min_depth_m: truth not beyond it does not count.
    :param max_depth_m: truth not nearer does not count.
    :param crop: pixels that count: 'eigen' or 'garg'.
    :param published: results of the released models.
    :param image_size_hw: (height, width) images are resampled to before they are estimated, while
        the truth keeps its own; None: not at all.
    :param depth_scale: stored integers a metre, where depth is stored as integers.
    :param truth: 'depth' along the optical axis or 'distance' to the camera's centre.
    :param image_crop: 'kb' cuts images and truth to KITTI's benchmark size.
    :param note: what else the files must be for the numbers to be comparable.
    """

    name: str
    title: str
    images: int
    domain: Domain
    min_depth_m: float
    max_depth_m: float
    crop: str
    published: tuple[PublishedResult, ...]
    image_size_hw: tuple[int, int] | None = None
    depth_scale: float = 1000.0
    truth: str = 'depth'
    image_crop: str = ''
    note: str = ''

    def mask(self, size_hw: tuple[int, int]) -> NDArray[np.bool_]:
        """Return (H, W) bool, True where pixels of a truth of that size count."""
        return EVALUATION_MASKS[self.crop](size_hw)

    def applied_to(self, dataset: DatasetConfig) -> DatasetConfig:
        """Return the data set, read as the benchmark asks; its depth_scale is left."""
        return replace(
            dataset, domain=self.domain, truth=self.truth, crop=self.image_crop,
            min_depth_m=self.min_depth_m, max_depth_m=self.max_depth_m)


def find_preset(name: str) -> Preset:
    """
    Return a benchmark by its name.

    :raises ConfigError: there is none of that name.
    """
    if name not in PRESETS:
        raise ConfigError(f'preset = {name!r} is not one of {", ".join(PRESETS)}')
    return PRESETS[name]


def _results(
    source: str, **rows: tuple[float | None, float, float],
) -> tuple[PublishedResult, ...]:
    return tuple(
        PublishedResult(f'ZoeD-M12-{model}', d1, rel, rmse, source)
        for model, (d1, rel, rmse) in rows.items())


_TABLE_3, _TABLE_4 = 'paper, table 3', 'paper, table 4'

PRESETS = {preset.name: preset for preset in (
    Preset(
        'nyu', 'NYU Depth v2', 654, 'indoor', 1e-3, 10.0, 'eigen',
        (PublishedResult('ZoeD-M12-N', 0.955, 0.075, 0.270, 'paper, table 1',
                         {'d2': 0.995, 'd3': 0.999, 'log10': 0.032}),
         PublishedResult('ZoeD-M12-NK', 0.953, 0.077, 0.277, 'paper, table 1',
                         {'d2': 0.995, 'd3': 0.999, 'log10': 0.033}))),
    Preset(
        'sun', 'SUN RGB-D', 5050, 'indoor', SMALLEST_M, 8.0, 'eigen',
        _results(_TABLE_3, N=(0.864, 0.119, 0.346), NK=(0.856, 0.123, 0.356)),
        note="depth files hold plain millimetres, not the data set's own rotated bits"),
    Preset(
        'ibims', 'iBims-1', 100, 'indoor', SMALLEST_M, 10.0, 'eigen',
        _results(_TABLE_3, N=(0.658, 0.169, 0.711), NK=(0.615, 0.186, 0.777)),
        depth_scale=IBIMS_SCALE,
        note='depth files hold 0 wherever mask_invalid or mask_transp does'),
    Preset(
        'diode_indoor', 'DIODE indoor', 325, 'indoor', 1e-3, 10.0, 'eigen',
        _results(_TABLE_3, N=(0.376, 0.327, 1.588), NK=(0.386, 0.331, 1.598)),
        image_size_hw=(480, 640), note="the data set's validity masks are not used"),
    Preset(
        'hypersim', 'HyperSim', 7690, 'indoor', 1e-3, 80.0, 'eigen',
        _results(_TABLE_3, N=(0.292, 0.410, 5.771), NK=(0.274, 0.419, 5.830)),
        image_size_hw=(480, 640), truth='distance',
        note='the focal length of every image is 886.81 pixels at 1024x768'),
    Preset(
        'kitti', 'KITTI', 697, 'outdoor', 1e-3, 80.0, 'garg',
        (PublishedResult('ZoeD-M12-NK', None, 0.057, 2.362, 'paper'),
         PublishedResult('ZoeD-M12-K', 0.971, 0.054, 2.281, 'Depth Anything, as run there',
                         {'RMSElog': 0.082})),
        depth_scale=256.0, image_crop='kb',
        note='652 of the 697 images have truth'),
    Preset(
        'vkitti2', 'Virtual KITTI 2', 1701, 'outdoor', 1e-3, 80.0, 'garg',
        _results(_TABLE_4, K=(0.864, 0.100, 4.974), NK=(0.850, 0.105, 5.095)),
        depth_scale=100.0, image_crop='kb',
        note='the published images are an unseeded random 8 % of Camera_0'),
    Preset(
        'ddad', 'DDAD', 3950, 'outdoor', 1e-3, 80.0, 'garg',
        _results(_TABLE_4, K=(0.835, 0.129, 7.108), NK=(0.824, 0.138, 7.225)),
        image_size_hw=(352, 1216)),
    Preset(
        'diml', 'DIML outdoor', 500, 'outdoor', 2.0, 80.0, 'garg',
        _results(_TABLE_4, K=(0.003, 1.921, 6.978), NK=(0.292, 0.641, 3.610)),
        note='from 2 m, as the reference code has it; the paper says 1 mm'),
    Preset(
        'diode_outdoor', 'DIODE outdoor', 446, 'outdoor', 1e-3, 80.0, 'garg',
        _results(_TABLE_4, K=(0.269, 0.852, 6.898), NK=(0.208, 0.757, 7.569)),
        image_size_hw=(480, 640), note="the data set's validity masks are not used"),
)}
