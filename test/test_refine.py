# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.inference.refine import distrusted_mask
from zoe_depth_ros.inference.refine import flying_mask
from zoe_depth_ros.inference.refine import stride_for
from zoe_depth_ros.inference.refine import uncertain_mask
from zoe_depth_ros.inference.refine import voxel_indices
from zoe_depth_ros.options import PointsConfig

FOCAL_PX = (100.0, 100.0)
NAN = math.nan


def row(*depth_m) -> torch.Tensor:
    return torch.tensor(depth_m, dtype=torch.float32).view(1, 1, 1, -1)


def flying(depth_m: torch.Tensor, angle_deg: float = 5.0) -> list[bool]:
    return flying_mask(depth_m, FOCAL_PX, angle_deg).flatten().tolist()


def test_refine_drops_what_hangs_between_two_surfaces_and_keeps_both():
    expected = [False, False, True, True, False, False]
    assert flying(row(1, 1, 1.5, 2.5, 4, 4)) == expected
    assert flying(row(4, 4, 2.5, 1.5, 1, 1)) == expected
    assert flying(row(1, 1, 1.5, 2.5, 4, 4).mT) == expected


def test_refine_keeps_a_clean_edge_and_a_thin_object():
    assert not any(flying(row(1, 1, 1, 4, 4, 4)))
    assert not any(flying(row(4, 4, 1, 4, 4)))


@pytest.mark.parametrize('angle_deg', [2.0, 5.0, 20.0])
def test_refine_measures_the_angle_between_ray_and_surface(angle_deg):
    # A wall through (0, 0, 2) that meets the optical axis at this angle.
    u = torch.arange(-3.0, 4.0) / 100
    depth_m = 2 / (1 - u / math.tan(math.radians(angle_deg)))
    middle = flying_mask(depth_m.view(1, 1, 1, -1), FOCAL_PX, angle_deg * 1.25)[0, 0, 0, 3]
    other = flying_mask(depth_m.view(1, 1, 1, -1), FOCAL_PX, angle_deg * 0.8)[0, 0, 0, 3]
    assert (bool(middle), bool(other)) == (True, False)


def test_refine_keeps_the_floor_of_a_room():
    v = torch.arange(1.0, 120.0)
    floor_m = (1.1 * 260 / v).clamp(max=8).view(1, 1, -1, 1).expand(1, 1, -1, 8)
    assert not flying_mask(floor_m, (260.0, 260.0), PointsConfig().min_edge_angle).any()


def test_refine_judges_images_of_a_batch_alone():
    near, ramp = row(1, 1, 1, 1, 1, 1), row(1, 1, 1.5, 2.5, 4, 4)
    both = flying_mask(torch.cat([near, ramp, near]), FOCAL_PX, 5.0)
    assert both.shape == (3, 1, 1, 6)
    assert both.sum(dim=(1, 2, 3)).tolist() == [0, 2, 0]


def test_refine_takes_unknown_neighbours_for_none():
    assert not any(flying(row(1, NAN, 1.5, NAN, 4)))
    assert not any(flying(row(NAN, NAN, NAN)))
    assert not any(flying(row(2)))


def test_refine_drops_what_is_more_uncertain_than_allowed():
    mask = uncertain_mask(row(1, 2, 4, NAN), row(0.2, 0.2, 2, NAN), 0.15)
    assert mask.flatten().tolist() == [True, False, True, False]


def test_refine_runs_the_tests_that_are_switched_on():
    depth_m, std_dev_m = row(1, 1, 1.5, 2.5, 4, 4), row(0, 0, 0, 0, 0, 4)
    dropped = {
        options: distrusted_mask(
            depth_m, std_dev_m, FOCAL_PX,
            PointsConfig(min_edge_angle=options[0], max_relative_std=options[1]))
        .flatten().nonzero().flatten().tolist()
        for options in ((0.0, 0.0), (5.0, 0.0), (0.0, 0.5), (5.0, 0.5))}
    assert list(dropped.values()) == [[], [2, 3], [5], [2, 3, 5]]


def test_refine_needs_the_standard_deviation_only_where_it_tests_it():
    depth_m = row(1, 1, 1.5, 2.5, 4, 4)
    assert distrusted_mask(depth_m, None, FOCAL_PX, PointsConfig()).sum() == 2
    with pytest.raises(ConfigError, match=r'max_relative_std = 0\.5 needs'):
        distrusted_mask(depth_m, None, FOCAL_PX, PointsConfig(max_relative_std=0.5))


@pytest.mark.parametrize('angle_deg', [0.0, 90.0, NAN])
def test_refine_refuses_an_angle_that_is_none(angle_deg):
    with pytest.raises(ConfigError, match='min_angle_deg'):
        flying_mask(row(1, 2, 3), FOCAL_PX, angle_deg)


@pytest.mark.parametrize('size_hw, budget, stride', [
    ((480, 640), 15000, 5), ((480, 640), 480 * 640, 1), ((480, 640), 0, 1), ((96, 128), 15000, 1),
    ((7, 7), 16, 2), ((7, 7), 15, 3), ((3, 5), 1, 5)])
def test_refine_chooses_the_smallest_stride_within_the_budget(size_hw, budget, stride):
    def count(step):
        return len(range(0, size_hw[0], step)) * len(range(0, size_hw[1], step))
    assert stride_for(size_hw, budget) == stride
    assert not budget or count(stride) <= budget
    assert stride == 1 or count(stride - 1) > budget


def test_refine_keeps_one_point_of_each_voxel():
    points_m = np.array(
        [[0, 0, 1], [0.04, 0, 1], [0.12, 0, 1], [0, 0, 1.11], [0.01, 0.01, 1.01]], np.float32)
    assert voxel_indices(points_m, 0.1).tolist() == [0, 2, 3]
    assert voxel_indices(points_m[:0], 0.1).size == 0


def test_refine_refuses_voxels_it_cannot_number():
    points_m = np.array([[0, 0, 0], [100, 0, 0]], np.float32)
    with pytest.raises(ConfigError, match='too small'):
        voxel_indices(points_m, 1e-5)
    with pytest.raises(ConfigError, match='not positive'):
        voxel_indices(points_m, 0.0)
