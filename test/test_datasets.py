# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What all data sets have in common."""

from __future__ import annotations

import logging
import pickle
import re

from datasets_helpers import depth_m
from datasets_helpers import rgb
from datasets_helpers import SIZE_HW
from datasets_helpers import write_depth_mm
from datasets_helpers import write_rgb
import numpy as np
import pytest
from torch.utils.data import DataLoader

from zoe_depth_ros.datasets import DatasetConfig
from zoe_depth_ros.datasets import open_source
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import DatasetError
from zoe_depth_ros.worlds import sample_worlds


def folder_of(path, count):
    for number in range(count):
        write_rgb(path / 'images' / f'{number}.png', rgb(number))
        write_depth_mm(path / 'depth' / f'{number}.png', depth_m(number))
    return path


def with_bad_images(path):
    """Return a folder of six images: no depth file, no image, other size, nothing known."""
    folder_of(path, 6)
    (path / 'depth' / '1.png').unlink()
    (path / 'images' / '2.png').write_bytes(b'no image')
    write_depth_mm(path / 'depth' / '3.png', depth_m(size_hw=(3, 4)))
    write_depth_mm(path / 'depth' / '5.png', np.full(SIZE_HW, np.nan, np.float32))
    return path


def source_of(path, **options):
    return open_source(DatasetConfig(kind='folder', path=str(path), **options))


def same(sample, other):
    return (
        np.array_equal(sample.rgb, other.rgb)
        and np.array_equal(sample.depth_m, other.depth_m, equal_nan=True)
        and (sample.camera, sample.domain, sample.name)
        == (other.camera, other.domain, other.name))


def as_it_is(samples):
    return samples


@pytest.mark.parametrize('domain', ['indoor', 'outdoor'])
def test_worlds_are_those_of_their_seeds_with_an_endless_sky(domain):
    source = open_source(DatasetConfig(
        domain=domain, count=3, first_seed=7, size_hw=(24, 32), max_depth_m=1e6))
    sample, world = source[2], sample_worlds([9], (24, 32), [domain])
    pixels = world.image[0].permute(1, 2, 0).numpy()
    expected_m = world.depth_m[0, 0].numpy()
    assert len(source) == 3
    assert np.abs(sample.rgb / 255 - pixels).max() <= 0.5 / 255 + 1e-6
    assert np.array_equal(np.isinf(sample.depth_m), np.isnan(expected_m))
    assert np.isinf(sample.depth_m).any() == (domain == 'outdoor')
    is_solid = np.isfinite(sample.depth_m)
    assert np.array_equal(sample.depth_m[is_solid], expected_m[is_solid])
    assert (sample.camera, sample.domain) == (world.cameras[0], domain)
    assert sample.name == f'{domain} world 9'
    assert same(source[2], sample)


def test_worlds_have_no_problems_and_end():
    source = open_source(DatasetConfig(count=10_000, frames='1:2', size_hw=(8, 8)))
    assert source.problems() == []
    assert [sample.name for sample in source] == ['indoor world 1000001']


def test_depth_beyond_the_limits_is_unknown(tmp_path):
    write_rgb(tmp_path / 'rgb' / 'a.png', rgb())
    values = np.zeros(SIZE_HW, np.float32)
    values[0, :8] = [0.5, 0.75, 1, 5, 9.5, 10, np.inf, -1]
    (tmp_path / 'depth').mkdir()
    np.save(tmp_path / 'depth' / 'a.npy', values)
    sample = source_of(tmp_path, min_depth_m=0.5, max_depth_m=9.5)[0]
    nan = np.nan
    assert np.array_equal(
        sample.depth_m[0], np.float32([nan, 0.75, 1, 5, nan, nan, np.inf, nan]), equal_nan=True)
    assert np.isnan(sample.depth_m[1:]).all()


@pytest.mark.parametrize(('frames', 'numbers'), [
    ('', [0, 1, 2, 3]), ('1:3', [1, 2]), (':-3', [0]), ('-1:', [3]), ('2:99', [2, 3])])
def test_frames_are_a_slice(tmp_path, frames, numbers):
    source = source_of(folder_of(tmp_path, 4), frames=frames)
    assert [sample.name for sample in source] == [
        str(tmp_path / 'images' / f'{number}.png') for number in numbers]


def test_samples_can_be_changed_and_are_not_shared(tmp_path):
    source = source_of(folder_of(tmp_path, 1))
    source[0].rgb[:] = 0
    source[0].depth_m[:] = 0
    assert np.array_equal(source[0].rgb, rgb())
    assert np.array_equal(source[0].depth_m, depth_m(), equal_nan=True)


def test_problems_are_told_one_by_one(tmp_path):
    source = source_of(with_bad_images(tmp_path))
    images, depths = tmp_path / 'images', tmp_path / 'depth'
    assert source.problems() == [
        f'{images}/1.png: no depth file 1 in {depths}',
        f"{images}/2.png: image {images}/2.png: 8 bytes of compressed image with format '.png' "
        f'do not decode',
        f'{images}/3.png: depth {depths}/3.png of 4x3 does not fit its image of 8x6',
        f'{images}/5.png: no depth between 0.001 and 80 m is known']
    assert (len(source), source.skipped) == (6, 0)
    with pytest.raises(DatasetError, match=r'3\.png of 4x3 does not fit its image of 8x6'):
        source[3]


def test_bad_images_are_left_out_and_counted(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        source = source_of(with_bad_images(tmp_path), skip_bad=True, frames='1:')
    assert [sample.name[-5:] for sample in source] == ['4.png']
    assert (len(source), source.skipped, source.problems()) == (1, 4, [])
    assert len(caplog.messages) == 1
    assert caplog.messages[0] == (
        f'folder {tmp_path}: 4 of 5 images left out, the first because '
        f'{tmp_path}/images/1.png: no depth file 1 in {tmp_path}/depth')


def test_data_set_without_a_usable_image_is_refused(tmp_path):
    with_bad_images(tmp_path)
    with pytest.raises(DatasetError, match=r'has no usable image with depth in frames 6:9$'):
        source_of(tmp_path, frames='6:9')
    with pytest.raises(DatasetError, match=r'has no usable image with depth in frames 1:4$'):
        source_of(tmp_path, frames='1:4', skip_bad=True)


@pytest.mark.parametrize(('kind', 'error', 'message'), [
    ('list', DatasetError, 'list nowhere/at cannot be read: .*No such file'),
    ('folder', DatasetError, 'folder nowhere/at has no folder images or rgb'),
    ('bag', BagError, 'bag nowhere/at cannot be opened')])
def test_data_set_that_is_not_there_is_refused(tmp_path, kind, error, message):
    with pytest.raises(error, match=message):
        open_source(DatasetConfig(kind=kind, path='nowhere/at', root=str(tmp_path)))


@pytest.mark.parametrize(('options', 'message'), [
    ({'kind': 'bag', 'path': 'a', 'truth': 'distance'}, "truth = 'distance': .* bag has depth"),
    ({'truth': 'disparity'}, "truth = 'disparity': .* worlds has depth"),
    ({'kind': 'list'}, "path = '': a data set of kind list needs a path"),
    ({'path': 'a'}, "path = 'a': a data set of kind worlds has no path"),
    ({'frames': '1-3'}, "frames = '1-3' is not start:stop"),
    ({'crop': 'kb'}, "crop = 'kb' is of images of KITTI, not of worlds"),
    *(({'size_hw': size}, rf'size_hw = {re.escape(repr(size))} is not \[height, width\]')
      for size in (96, None, [96], (7, 64), (64.0, 64))),
    ({'max_depth_m': 1e-4}, 'max_depth_m = 0.0001 is not beyond min_depth_m = 0.001')])
def test_options_that_contradict_themselves_are_refused(options, message):
    with pytest.raises(ConfigError, match=message):
        DatasetConfig(**options)


def test_crop_takes_the_lower_middle_of_image_depth_and_camera(tmp_path):
    size_hw = (355, 1221)
    write_rgb(tmp_path / 'rgb' / 'a.png', rgb(size_hw=size_hw))
    write_depth_mm(tmp_path / 'depth' / 'a.png', depth_m(size_hw=size_hw))
    (tmp_path / 'K.txt').write_text('700 0 610\n0 710 180\n0 0 1\n')
    whole, part = source_of(tmp_path)[0], source_of(tmp_path, crop='kb')[0]
    assert np.array_equal(part.rgb, whole.rgb[3:, 2:1218])
    assert np.array_equal(part.depth_m, whole.depth_m[3:, 2:1218])
    assert part.camera.size_hw == (352, 1216)
    assert (part.camera.fx, part.camera.fy) == (700, 710)
    assert (part.camera.cx, part.camera.cy) == (608, 177)


@pytest.mark.parametrize(('mask', 'crop', 'known'), [
    ('garg', '', ((153, 371), (44, 1205))),
    ('garg', 'kb', ((23 + 143, 23 + 349), (17 + 43, 17 + 1172))),
    ('eigen', '', ((45, 375), (41, 601)))])
def test_mask_leaves_depth_where_an_evaluation_looks(tmp_path, mask, crop, known):
    write_rgb(tmp_path / 'images' / 'a.png', np.zeros((375, 1250, 3), np.uint8))
    write_depth_mm(tmp_path / 'depth' / 'a.png', np.full((375, 1250), 5, np.float32))
    whole = np.full((375, 1250), np.nan)
    whole[slice(*known[0]), slice(*known[1])] = 5
    expected = whole[23:, 17:17 + 1216] if crop else whole
    found = source_of(tmp_path, mask=mask, crop=crop)[0].depth_m
    assert np.array_equal(found, expected, equal_nan=True)


def test_crop_of_a_small_image_is_refused(tmp_path):
    source = source_of(folder_of(tmp_path, 1), crop='kb')
    with pytest.raises(DatasetError, match='8x6 is too small for the kb crop 1216x352'):
        source[0]


def test_source_is_pickled_and_serves_a_loader(tmp_path):
    source = source_of(folder_of(tmp_path, 4))
    twin = pickle.loads(pickle.dumps(source))
    assert all(same(*pair) for pair in zip(source, twin, strict=True))
    loader = DataLoader(
        source, batch_size=2, num_workers=1, collate_fn=as_it_is,
        multiprocessing_context='spawn')
    loaded = [sample for batch in loader for sample in batch]
    assert all(same(*pair) for pair in zip(source, loaded, strict=True))
