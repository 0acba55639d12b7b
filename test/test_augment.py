# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
import math

import numpy as np
import pytest

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.datasets import Sample
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.training.augment import AugmentConfig
from zoe_depth_ros.training.augment import augmented
from zoe_depth_ros.training.augment import flipped
from zoe_depth_ros.training.augment import rotated
from zoe_depth_ros.training.augment import zoomed

SIZE_HW = (40, 60)
CAMERA = Camera(60, 40, 50.0, 50.0, 28.0, 21.5)
STILL = AugmentConfig(flip=0, rotate_deg=0, color=0)
WARPS = {
    'flip': flipped(SIZE_HW), 'rotation': rotated(SIZE_HW, 7.0),
    'zoom': zoomed(SIZE_HW, 1.5, (0.3, 0.8)),
    'all': flipped(SIZE_HW).then(rotated(SIZE_HW, -5.0)).then(zoomed(SIZE_HW, 1.3, (0.5, 0.1)))}


def smooth_sample() -> Sample:
    """Return an image whose colours, and depth, are linear in the pixel's place."""
    v, u = np.mgrid[:SIZE_HW[0], :SIZE_HW[1]]
    rgb = np.stack([4 * u, 5 * v, 2 * u + 2 * v], axis=-1).astype(np.uint8)
    return Sample(rgb, (1 + 0.1 * u + 0.01 * v).astype(np.float32), CAMERA, 'indoor', 'smooth')


def moved_pixels(warp, margin: int = 12):
    """Return old (u, v) with the new ones, rounded, of pixels that stay in the frame."""
    v, u = np.mgrid[margin:SIZE_HW[0] - margin:3, margin:SIZE_HW[1] - margin:3]
    old = np.stack([u.ravel(), v.ravel(), np.ones(u.size)])
    new = np.rint((warp.matrix @ old)[:2]).astype(int)
    inside = ((new >= 1) & (new < np.array(SIZE_HW[::-1])[:, None] - 1)).all(axis=0)
    assert inside.sum() > 8
    return old[:2, inside].astype(int), new[:, inside]


@pytest.mark.parametrize('name', WARPS)
def test_augment_moves_colour_and_depth_of_a_pixel_to_the_same_place(name):
    warp, sample = WARPS[name], smooth_sample()
    changed = warp(sample)
    (u, v), (new_u, new_v) = moved_pixels(warp)
    assert np.abs(
        changed.rgb[new_v, new_u].astype(int) - sample.rgb[v, u]).max() <= 6  # under a pixel
    assert np.abs(changed.depth_m[new_v, new_u] / warp.depth_factor
                  - sample.depth_m[v, u]).max() <= 0.12


@pytest.mark.parametrize('name', WARPS)
def test_augment_inverse_brings_pixels_back(name):
    warp, sample = WARPS[name], smooth_sample()
    back = warp.inverse()(warp(sample))
    (u, v), _ = moved_pixels(warp)
    assert np.abs(back.rgb[v, u].astype(int) - sample.rgb[v, u]).max() <= 4
    known = np.isfinite(back.depth_m[v, u])
    assert known.mean() > 0.9
    assert np.abs(back.depth_m - sample.depth_m)[v, u][known].max() <= 0.12
    for field in ('fx', 'fy', 'cx', 'cy'):
        assert getattr(back.camera, field) == pytest.approx(getattr(CAMERA, field))


@pytest.mark.parametrize('name', WARPS)
def test_augment_camera_sees_the_same_scene_at_the_depth_factor(name):
    """A point seen at a pixel is, after the change, at the same place but for size and roll."""
    warp = WARPS[name]
    camera = warp.camera(CAMERA)
    for u, v in ((10.0, 12.0), (45.0, 30.0)):
        new_u, new_v, _ = warp.matrix @ (u, v, 1)
        before = math.hypot((u - CAMERA.cx) / CAMERA.fx, (v - CAMERA.cy) / CAMERA.fy)
        after = math.hypot((new_u - camera.cx) / camera.fx, (new_v - camera.cy) / camera.fy)
        assert after == pytest.approx(before)


def test_augment_flip_mirrors_exactly():
    sample = smooth_sample()
    changed = flipped(SIZE_HW)(sample)
    assert (changed.rgb == sample.rgb[:, ::-1]).all()
    assert (changed.depth_m == sample.depth_m[:, ::-1]).all()
    assert changed.camera == replace(CAMERA, cx=59 - 28.0)


def test_augment_zoom_by_two_keeps_depth_over_focal_length():
    changed = zoomed(SIZE_HW, 2.0, (0.0, 1.0))(smooth_sample())
    assert changed.camera == replace(CAMERA, fx=100.0, fy=100.0, cx=2 * (28.5 - 30) - 0.5,
                                     cy=2 * 22.0 - 0.5)
    sample = smooth_sample()
    # The upper right quarter; each of its pixels becomes two by two.
    assert np.allclose(changed.depth_m[::2, ::2], sample.depth_m[:20, 30:] / 2)
    assert np.allclose(changed.depth_m[1::2, 1::2], sample.depth_m[:20, 30:] / 2)


def test_augment_rotation_leaves_unknown_what_it_did_not_see_and_keeps_sky():
    sample = smooth_sample()
    sample.depth_m[:10] = math.inf
    changed = rotated(SIZE_HW, 10.0)(sample)
    assert np.isnan(changed.depth_m[0, -1]) and np.isnan(changed.depth_m[-1, 0])
    assert np.isinf(changed.depth_m[1, 30])
    assert changed.depth_m[20, 30] == sample.depth_m[20, 30]


def test_augment_rotation_is_clockwise():
    depth_m = np.full((41, 41), 1.0, np.float32)
    depth_m[20, 30] = 9.0
    assert rotated((41, 41), 90.0).depth(depth_m)[30, 20] == 9.0


def test_augment_without_changes_changes_nothing():
    sample = smooth_sample()
    same = augmented(sample, STILL, seed=1, number=2)
    assert same.rgb is sample.rgb
    assert same.depth_m is sample.depth_m


def test_augment_depends_on_seed_and_number_only():
    config = AugmentConfig(zoom=1.5, degrade=1, color=1)
    sample = smooth_sample()
    first, again = (augmented(sample, config, seed=1, number=2) for _ in range(2))
    assert (first.rgb == again.rgb).all()
    assert np.array_equal(first.depth_m, again.depth_m, equal_nan=True)
    for seed, number in ((1, 3), (2, 2)):
        other = augmented(sample, config, seed=seed, number=number)
        assert not (first.rgb == other.rgb).all()


@pytest.mark.parametrize(('domain', 'largest'), [('indoor', 1.25), ('outdoor', 1.1)])
def test_augment_brightness_stays_within_the_domains_range(domain, largest):
    config = replace(STILL, color=1.0, gamma=0, tint=0)
    rgb = np.full((4, 4, 3), 100, np.uint8)
    sample = Sample(rgb, np.ones((4, 4), np.float32), None, domain, 'grey')
    levels = np.array([
        augmented(sample, config, seed=0, number=n).rgb.mean() for n in range(200)])
    assert 100 * (2 - largest) - 1 <= levels.min() < 100 * (2.05 - largest)
    assert 100 * (largest - 0.05) < levels.max() <= 100 * largest + 1


def test_augment_degraded_keeps_colours_in_their_channels():
    config = replace(STILL, degrade=1.0)
    rgb = np.full((32, 32, 3), (200, 100, 30), np.uint8)
    sample = Sample(rgb, np.ones((32, 32), np.float32), None, 'indoor', 'plain')
    changed = augmented(sample, config, seed=0, number=0)
    assert (changed.rgb != rgb).any()
    assert np.abs(changed.rgb.mean(axis=(0, 1)) - (200, 100, 30)).max() < 4


@pytest.mark.parametrize(('options', 'message'), [
    ({'zoom': 0.9}, 'zoom = 0.9 is below 1'), ({'flip': 1.5}, 'flip = 1.5'),
    ({'rotate_deg': -1}, 'rotate_deg = -1'), ({'tint': 1.0}, 'tint = 1.0'),
    ({'jpeg_quality': 99}, 'jpeg_quality = 99')])
def test_augment_option_out_of_range_is_named(options, message):
    with pytest.raises(ConfigError, match=message):
        AugmentConfig(**options)
