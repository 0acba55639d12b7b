# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Depth as files."""

from __future__ import annotations

from pathlib import Path
import sys

import cv2
from network_helpers import random_rgb
import numpy as np
from offline_helpers import bag_of
from offline_helpers import header
from offline_helpers import image
from offline_helpers import make
from offline_helpers import recording
import pytest

from zoe_depth_ros.bag.decode import colored_points
from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.datasets.config import DatasetConfig
from zoe_depth_ros.datasets.files import read_truth
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.offline.config import OfflineConfig
from zoe_depth_ros.offline.exports import side_by_side
from zoe_depth_ros.offline.exports import write_files

NAMES = [f'{number // 2:04d}_{3 * (number % 2):06d}_{header(number).stamp_ns}'
         for number in range(4)]

pytestmark = pytest.mark.usefixtures('one_thread')


@pytest.fixture(scope='module')
def output(weights, one_thread, tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp('exports')
    make(
        weights, bag_of(folder / 'b', recording()), output=folder / 'o', segment_s=0.2,
        exports=('png', 'npz', 'ply', 'mp4'))
    return folder / 'o' / 'b'


@pytest.mark.parametrize('kind', ['png', 'npz', 'ply'])
def test_export_of_every_frame_is_named_by_part_number_and_stamp(output, kind):
    names = sorted(path.name for path in (output / kind / 'camera_image_raw').iterdir())
    assert names == [f'{name}.{kind}' for name in NAMES]


def test_export_png_is_millimetres(output, estimator):
    pixels = cv2.imread(
        str(output / 'png' / 'camera_image_raw' / f'{NAMES[0]}.png'), cv2.IMREAD_UNCHANGED)
    depth_m = estimator.estimate(random_rgb(0)).depth_m
    assert pixels.dtype == np.uint16
    assert np.array_equal(pixels, np.where(np.isnan(depth_m), 0, np.rint(depth_m * 1000)))


def test_export_npz_is_depth_and_deviation_in_metres(output, estimator):
    expected = estimator.estimate(random_rgb(3))
    with np.load(output / 'npz' / 'camera_image_raw' / f'{NAMES[3]}.npz') as arrays:
        assert np.array_equal(arrays['depth_m'], expected.depth_m, equal_nan=True)
        assert np.array_equal(arrays['std_dev_m'], expected.std_dev_m, equal_nan=True)
        assert arrays['depth_m'].dtype == np.float32


def test_export_ply_is_the_cloud(output):
    content = (output / 'ply' / 'camera_image_raw' / f'{NAMES[0]}.ply').read_bytes()
    head, _, body = content.partition(b'end_header\n')
    lines = head.decode().splitlines()
    assert lines[:2] == ['ply', 'format binary_little_endian 1.0']
    assert lines[3:] == [
        *(f'property float {name}' for name in 'xyz'),
        *(f'property uchar {name}' for name in ('red', 'green', 'blue'))]
    vertices = np.frombuffer(body, [('xyz', '<f4', 3), ('rgb', 'u1', 3)])
    with BagReader(output) as bag:
        cloud = colored_points(next(bag.messages(['/depth_node/points'])))
    assert lines[2] == f'element vertex {len(cloud.points_m)}'
    assert np.array_equal(vertices['xyz'], cloud.points_m)
    assert np.array_equal(vertices['rgb'], cloud.rgb)


def test_export_films_show_every_frame_at_its_rate(output):
    paths = sorted((output / 'mp4').iterdir())
    assert [path.name for path in paths] == [
        'camera_image_raw_0000.mp4', 'camera_image_raw_0001.mp4']
    for path in paths:
        film = cv2.VideoCapture(str(path))
        assert film.get(cv2.CAP_PROP_FRAME_COUNT) == 2
        assert (film.get(cv2.CAP_PROP_FRAME_WIDTH), film.get(cv2.CAP_PROP_FRAME_HEIGHT)) == (
            160, 48)
        assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(4 / 0.347, rel=1e-3)


def test_export_without_camera_info_leaves_out_points_only(weights, tmp_path):
    make(
        weights, bag_of(tmp_path / 'b', [image(0)]), output=tmp_path / 'o',
        exports=('png', 'ply'))
    assert not list((tmp_path / 'o').rglob('*.ply'))
    assert len(list((tmp_path / 'o').rglob('*.png'))) == 1


def depth_with_a_hole() -> DepthMap:
    depth_m = np.linspace(0.1, 9.9, 48 * 80, dtype=np.float32).reshape(48, 80)
    depth_m[3, 5] = np.nan
    return DepthMap(depth_m, None, 'indoor', 1.0, random_rgb(), None)


def test_export_exr_is_read_back_by_the_data_sets(tmp_path):
    pytest.importorskip('OpenEXR')
    depth = depth_with_a_hole()
    write_files(tmp_path, 'camera', 'frame', ('exr',), depth, None)
    found_m = read_truth(
        tmp_path / 'exr' / 'camera' / 'frame.exr', DatasetConfig('folder', 'any'), None, (48, 80))
    assert found_m.dtype == np.float32
    assert np.array_equal(found_m, depth.depth_m, equal_nan=True)


def test_export_exr_that_the_disk_does_not_take_is_told(tmp_path):
    pytest.importorskip('OpenEXR')
    (tmp_path / 'exr' / 'camera').mkdir(parents=True)
    (tmp_path / 'exr' / 'camera' / 'frame.exr').symlink_to('/dev/full')
    with pytest.raises(BagError, match=r'frame\.exr cannot be written: .*No space left'):
        write_files(tmp_path, 'camera', 'frame', ('exr',), depth_with_a_hole(), None)


def test_export_exr_without_its_package_is_refused_before_any_work(monkeypatch):
    monkeypatch.setitem(sys.modules, 'OpenEXR', None)
    with pytest.raises(ConfigError, match='pip install OpenEXR'):
        OfflineConfig(exports=('exr',))


def test_export_panel_has_the_image_on_the_left_and_a_fixed_scale_on_the_right():
    rgb = random_rgb()
    near, far = (side_by_side(DepthMap(
        np.full((48, 80), depth_m, np.float32), None, 'indoor', 1.0, rgb, None))
        for depth_m in (0.3, 10.0))
    assert np.array_equal(near[:, :80], rgb)
    assert near[0, 80, 0] > near[0, 80, 2]  # red
    assert far[0, 80, 2] > far[0, 80, 0]  # blue
