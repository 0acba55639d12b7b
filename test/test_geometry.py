# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
import math
from pathlib import Path

import cv2
import numpy as np
import pytest

from zoe_depth_ros.camera import Calibration
from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import CameraError
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.geometry import point_cloud
from zoe_depth_ros.geometry import Rectifier

CHESSBOARD = Path(__file__).parents[1].parent / 'shared' / 'data' / 'chessboard'

PLUMB_BOB = Calibration(
    240, 180, (200.0, 0.0, 118.0, 0.0, 205.0, 91.0, 0.0, 0.0, 1.0),
    d=(-0.27, 0.09, 0.001, -0.002, -0.01),
    p=(190.0, 0.0, 121.0, 0.0, 0.0, 195.0, 88.0, 0.0, 0.0, 0.0, 1.0, 0.0))
RATIONAL = replace(
    PLUMB_BOB, distortion_model='rational_polynomial',
    d=(0.3, -0.2, 0.001, -0.002, 0.05, 0.4, -0.1, 0.02))
EQUIDISTANT = replace(
    PLUMB_BOB, distortion_model='equidistant', d=(-0.03, 0.01, -0.004, 0.001))
ROTATION = tuple(cv2.Rodrigues(np.array([0.03, -0.05, 0.02]))[0].ravel().tolist())
CAMERA = Camera(64, 48, 50.0, 52.0, 30.5, 25.0)


def pixel_rays(camera):
    """Return the (3, H, W) rays of the pixels, with z = 1."""
    v, u = np.mgrid[0:camera.height, 0:camera.width].astype(float)
    return np.stack([(u - camera.cx) / camera.fx, (v - camera.cy) / camera.fy, np.ones_like(u)])


def raw_pixels(calibration):
    """Return (H, W) raw u and v that each rectified pixel looks at, by the models' formulas."""
    camera = calibration.rectified_camera()
    x, y, z = np.einsum('ji,jvu->ivu', np.reshape(calibration.r, (3, 3)), pixel_rays(camera))
    x, y = distorted(calibration, x / z, y / z)
    k = calibration.raw_matrix()
    return k[0] * x + k[2], k[4] * y + k[5]


def distorted(calibration, x, y):
    r = np.hypot(x, y) + 1e-12
    if calibration.distortion_model == 'equidistant':
        k1, k2, k3, k4 = calibration.d
        theta = np.arctan(r)
        factor = theta * (1 + k1*theta**2 + k2*theta**4 + k3*theta**6 + k4*theta**8) / r
        return x * factor, y * factor
    k1, k2, p1, p2, k3, k4, k5, k6 = (*calibration.d, *(0,) * 8)[:8]
    factor = (1 + k1*r**2 + k2*r**4 + k3*r**6) / (1 + k4*r**2 + k5*r**4 + k6*r**6)
    return (x * factor + 2*p1*x*y + p2*(r**2 + 2*x*x),
            y * factor + p1*(r**2 + 2*y*y) + 2*p2*x*y)


def coordinate_image(width, height):
    """Return an image whose red is its column and whose green is its row."""
    v, u = np.mgrid[0:height, 0:width]
    return np.stack([u, v, np.full_like(u, 77)], axis=-1).astype(np.uint8)


@pytest.mark.parametrize('calibration', [
    PLUMB_BOB, RATIONAL, EQUIDISTANT,
    replace(PLUMB_BOB, r=ROTATION), replace(EQUIDISTANT, r=ROTATION),
    replace(PLUMB_BOB, d=PLUMB_BOB.d[:4]),
    replace(PLUMB_BOB, d=()),
    replace(PLUMB_BOB, width=480, height=360, binning_x=2, binning_y=2),
    replace(RATIONAL, width=480, height=400, roi=(60, 80, 240, 180), r=ROTATION),
    replace(EQUIDISTANT, width=600, height=500, roi=(20, 40, 400, 320), binning_x=2, binning_y=2),
])
def test_rectifier_looks_where_the_distortion_model_says(calibration):
    width, height = calibration.image_size
    rectified = Rectifier(calibration).rectify(coordinate_image(width, height)).astype(float)
    u, v = raw_pixels(calibration)
    inside = (u >= 0) & (u <= width - 1) & (v >= 0) & (v <= height - 1)
    assert inside.mean() > 0.5
    assert (rectified[inside, 2] == 77).all()
    # Half a grey level from rounding the value, 1/64 pixel from OpenCV's fixed-point map.
    assert np.abs(rectified[..., 0] - u)[inside].max() < 0.55
    assert np.abs(rectified[..., 1] - v)[inside].max() < 0.55


def test_rectifier_camera_is_that_of_p():
    assert Rectifier(PLUMB_BOB).camera == Camera(240, 180, 190.0, 195.0, 121.0, 88.0)


def test_rectifier_paints_what_the_raw_image_does_not_reach_black():
    wide = replace(PLUMB_BOB, d=(), p=(100.0, 0, 118.0, 0, 0, 100.0, 91.0, 0, 0, 0, 1.0, 0))
    rectified = Rectifier(wide).rectify(np.full((180, 240, 3), 200, np.uint8))
    assert (rectified[0, 0] == 0).all()
    assert (rectified[90, 120] == 200).all()


def test_rectifier_without_distortion_returns_the_image_itself():
    plain = replace(PLUMB_BOB, d=(0.0,) * 5, p=(0.0,) * 12, distortion_model='')
    image = coordinate_image(240, 180)
    assert Rectifier(plain).rectify(image) is image


def test_rectifier_without_r_takes_the_identity():
    image = coordinate_image(240, 180)
    expected = Rectifier(PLUMB_BOB).rectify(image)
    assert np.array_equal(Rectifier(replace(PLUMB_BOB, r=(0.0,) * 9)).rectify(image), expected)


def test_rectifier_with_unknown_model_names_it():
    with pytest.raises(CameraError, match="'omni' is not supported"):
        Rectifier(replace(PLUMB_BOB, distortion_model='omni'))


@pytest.mark.parametrize(('model', 'count'), [
    ('plumb_bob', 3), ('plumb_bob', 8), ('rational_polynomial', 5), ('equidistant', 5),
])
def test_rectifier_with_wrong_number_of_coefficients_names_it(model, count):
    with pytest.raises(CameraError, match=f"'{model}' has {count} coefficients"):
        Rectifier(replace(PLUMB_BOB, distortion_model=model, d=(0.1,) * count))


@pytest.mark.parametrize('shape', [(180, 241, 3), (240, 180, 3), (180, 240)])
def test_rectifier_with_another_image_size_names_both(shape):
    with pytest.raises(ImageError) as caught:
        Rectifier(PLUMB_BOB).rectify(np.zeros(shape, np.uint8))
    assert str(shape) in str(caught.value)
    assert '240x180' in str(caught.value)


def chessboard_calibration():
    file = cv2.FileStorage(str(CHESSBOARD / 'left_intrinsics.yml'), cv2.FILE_STORAGE_READ)
    k = file.getNode('camera_matrix').mat().ravel().tolist()
    d = file.getNode('distortion_coefficients').mat().ravel().tolist()
    return Calibration(640, 480, tuple(k), d=tuple(d))


def corners_in(grey):
    """Return the (9 * 6, 2) inner corners of the board, or None."""
    found, corners = cv2.findChessboardCorners(grey, (9, 6))
    if not found:
        return None
    criteria = (cv2.TERM_CRITERIA_EPS + cv2.TERM_CRITERIA_MAX_ITER, 50, 1e-3)
    return cv2.cornerSubPix(grey, corners, (5, 5), (-1, -1), criteria).reshape(-1, 2)


def straightness_px(corners):
    """Return the root mean square distance of the corners from the lines of their rows."""
    squares = []
    for row in corners.reshape(6, 9, 2):
        centred = row - row.mean(axis=0)
        squares.append(np.linalg.svd(centred)[1][1] ** 2 / 9)
    return math.sqrt(np.mean(squares))


def chessboard_views():
    """Yield the corners found in each raw view and in the same view rectified."""
    rectifier = Rectifier(chessboard_calibration())
    for path in sorted(CHESSBOARD.glob('left*.jpg')):
        raw = cv2.imread(str(path))
        rectified = rectifier.rectify(raw)
        yield tuple(corners_in(cv2.cvtColor(one, cv2.COLOR_BGR2GRAY)) for one in (raw, rectified))


@pytest.mark.shared
@pytest.mark.skipif(not CHESSBOARD.is_dir(), reason=f'{CHESSBOARD} is absent')
def test_rectifier_moves_chessboard_corners_where_opencv_computes_and_straightens_their_rows():
    calibration = chessboard_calibration()
    k = np.reshape(calibration.k, (3, 3))
    pairs = [pair for pair in chessboard_views() if pair[0] is not None and pair[1] is not None]
    assert len(pairs) >= 11
    distances, raw_px, rectified_px = [], [], []
    for raw, rectified in pairs:
        expected = cv2.undistortPoints(raw, k, np.array(calibration.d), P=k).reshape(-1, 2)
        distances.append(np.linalg.norm(expected - rectified, axis=1))
        raw_px.append(straightness_px(raw))
        rectified_px.append(straightness_px(rectified))
    assert np.median(distances) < 0.1
    assert np.mean(rectified_px) < 0.25 * np.mean(raw_px)


def plane_depth(camera, normal, distance_m):
    return (distance_m / np.tensordot(normal, pixel_rays(camera), axes=1)).astype(np.float32)


def noise_rgb():
    return np.random.default_rng(2).integers(0, 256, (48, 64, 3)).astype(np.uint8)


def xyz_of(cloud):
    return np.stack([cloud.points[name] for name in 'xyz'], axis=-1)


@pytest.mark.parametrize('organized', [True, False])
@pytest.mark.parametrize('stride', [1, 3])
def test_cloud_of_a_tilted_plane_lies_on_the_plane(stride, organized):
    normal = np.array([0.2, -0.5, 0.9])
    depth_m = plane_depth(CAMERA, normal, 2.0)
    cloud = point_cloud(depth_m, noise_rgb(), CAMERA, stride=stride, organized=organized)
    xyz = xyz_of(cloud).reshape(-1, 3)
    assert len(xyz) == math.ceil(48 / stride) * math.ceil(64 / stride)
    assert np.abs(xyz @ normal - 2.0).max() < 1e-5


@pytest.mark.parametrize('stride', [1, 3, 7])
def test_cloud_points_project_onto_the_pixels_they_were_picked_from(stride):
    depth_m = np.random.default_rng(3).uniform(0.5, 9, (48, 64)).astype(np.float32)
    rgb = noise_rgb()
    cloud = point_cloud(depth_m, rgb, CAMERA, stride=stride, organized=True)
    assert (cloud.height, cloud.width) == (math.ceil(48 / stride), math.ceil(64 / stride))
    x, y, z = np.moveaxis(xyz_of(cloud).astype(float), -1, 0)
    rows, columns = np.mgrid[0:48:stride, 0:64:stride]
    assert np.abs(50.0 * x / z + 30.5 - columns).max() < 1e-4
    assert np.abs(52.0 * y / z + 25.0 - rows).max() < 1e-4
    assert np.array_equal(cloud.points['z'], depth_m[::stride, ::stride])
    colours = cloud.points['rgb'].view(np.uint32)
    assert np.array_equal(colours >> 16, rgb[::stride, ::stride, 0])


def test_cloud_has_four_packed_float_fields_without_padding():
    points = point_cloud(np.ones((48, 64), np.float32), noise_rgb(), CAMERA).points
    assert points.dtype.names == ('x', 'y', 'z', 'rgb')
    assert [points.dtype.fields[name][1] for name in points.dtype.names] == [0, 4, 8, 12]
    assert {str(points.dtype[name]) for name in points.dtype.names} == {'float32'}
    assert points.dtype.itemsize == 16
    assert points.flags.c_contiguous
    assert len(points.tobytes()) == 48 * 64 * 16


def test_cloud_colour_has_the_bits_that_pcl_reads():
    rgb = np.zeros((48, 64, 3), np.uint8)
    rgb[2, 5] = (0x12, 0xAB, 0xFF)
    points = point_cloud(np.ones((48, 64), np.float32), rgb, CAMERA, organized=True).points
    assert points[2, 5].tobytes()[12:] == b'\xff\xab\x12\x00'


def test_cloud_without_colour_has_three_fields():
    points = point_cloud(np.ones((48, 64), np.float32), None, CAMERA).points
    assert points.dtype.names == ('x', 'y', 'z')
    assert points.dtype.itemsize == 12


UNKNOWN = (math.nan, math.inf, -math.inf, 0.0, -2.0)


def test_cloud_organized_has_nan_where_depth_is_unknown():
    depth_m = np.ones((48, 64), np.float32)
    depth_m[10, 20:25] = UNKNOWN
    cloud = point_cloud(depth_m, noise_rgb(), CAMERA, organized=True)
    assert not cloud.is_dense
    is_nan = np.isnan(xyz_of(cloud))
    assert is_nan[10, 20:25].all()
    assert is_nan.sum() == 15


def test_cloud_compact_holds_known_points_only_with_their_colours():
    depth_m = np.full((48, 64), np.nan, np.float32)
    depth_m[10, 20:27] = (*UNKNOWN, 3.0, 4.0)
    rgb = noise_rgb()
    cloud = point_cloud(depth_m, rgb, CAMERA)
    assert cloud.is_dense
    assert (cloud.height, cloud.width) == (1, 2)
    assert cloud.points['z'].tolist() == [[3.0, 4.0]]
    assert cloud.points['x'][0].tolist() == pytest.approx([(25 - 30.5) * 3 / 50, -4.5 * 4 / 50])
    assert np.array_equal(cloud.points['rgb'].view(np.uint32)[0] & 255, rgb[10, 25:27, 2])


def test_cloud_of_nothing_known_is_empty():
    cloud = point_cloud(np.full((48, 64), np.nan, np.float32), noise_rgb(), CAMERA)
    assert (cloud.height, cloud.width, cloud.is_dense) == (1, 0, True)
    assert cloud.points.tobytes() == b''


@pytest.mark.parametrize('organized', [True, False])
def test_cloud_has_the_standard_deviation_of_each_point(organized):
    depth_m, std_dev_m = np.random.default_rng(4).uniform(1, 2, (2, 48, 64)).astype(np.float32)
    cloud = point_cloud(
        depth_m, noise_rgb(), CAMERA, std_dev_m=std_dev_m, stride=3, organized=organized)
    assert cloud.points.dtype.names == ('x', 'y', 'z', 'rgb', 'std_dev')
    assert cloud.points.dtype.itemsize == 20
    assert np.array_equal(cloud.points['std_dev'].ravel(), std_dev_m[::3, ::3].ravel())
    plain = point_cloud(depth_m, None, CAMERA, std_dev_m=std_dev_m)
    assert plain.points.dtype.names == ('x', 'y', 'z', 'std_dev')


def test_cloud_takes_refused_points_for_unknown():
    refused = np.zeros((16, 22), bool)
    refused[2, 5] = refused[15, 21] = True
    depth_m = np.ones((48, 64), np.float32)
    grid = point_cloud(depth_m, noise_rgb(), CAMERA, refused=refused, stride=3, organized=True)
    assert np.array_equal(np.isnan(xyz_of(grid)).any(axis=-1), refused)
    compact = point_cloud(depth_m, noise_rgb(), CAMERA, refused=refused, stride=3)
    assert np.array_equal(compact.points[0], grid.points[~refused])


def test_cloud_free_rays_end_at_the_largest_range_along_their_pixels():
    depth_m = np.full((48, 64), 3.0, np.float32)
    depth_m[10, 20:25] = (20.0, np.inf, 7.9, np.nan, -np.inf)
    cloud = point_cloud(
        depth_m, None, CAMERA, max_range_m=8.0, free_rays=True, organized=True)
    x, y, z = np.moveaxis(xyz_of(cloud).astype(float), -1, 0)
    range_m = np.sqrt(x * x + y * y + z * z)
    assert range_m[10, 20:23] == pytest.approx(8.0, abs=1e-4)
    assert range_m[10, 20:23].max() <= 8.0
    assert 50.0 * x[10, 20:23] / z[10, 20:23] + 30.5 == pytest.approx([20, 21, 22])
    assert np.isnan(z[10, 23:25]).all()
    assert (z != 3.0).sum() == 5
    without = point_cloud(depth_m, None, CAMERA, max_range_m=8.0, organized=True)
    assert np.isnan(without.points['z'][10, 20:25]).all()


def test_cloud_knows_its_points_row_by_row_and_gives_a_choice_of_them():
    depth_m = np.random.default_rng(5).uniform(1, 2, (48, 64)).astype(np.float32)
    chosen = np.random.default_rng(6).random(48 * 64) < 0.3
    compact = point_cloud(depth_m, noise_rgb(), CAMERA)
    grid = point_cloud(depth_m, noise_rgb(), CAMERA, organized=True)
    assert np.array_equal(grid.xyz_m, xyz_of(grid).reshape(-1, 3))
    few, holes = compact.where(chosen), grid.where(chosen)
    assert (few.is_dense, few.height, few.width) == (True, 1, chosen.sum())
    assert np.array_equal(few.xyz_m, compact.xyz_m[chosen])
    assert (holes.is_dense, holes.height, holes.width) == (False, 48, 64)
    assert np.array_equal(np.isnan(holes.xyz_m).all(axis=1), ~chosen)
    assert np.array_equal(holes.xyz_m[chosen], grid.xyz_m[chosen])
    assert np.isfinite(grid.xyz_m).all()


def test_cloud_of_a_spread_of_another_size_names_it():
    depth_m = np.ones((48, 64), np.float32)
    with pytest.raises(ImageError, match=r'std_dev shape \(47, 64\).*\(48, 64\)'):
        point_cloud(depth_m, None, CAMERA, std_dev_m=depth_m[:-1])


def test_cloud_range_is_the_distance_from_the_camera():
    camera = Camera(5, 1, 1.0, 1.0, 0.0, 0.0)  # ray lengths 1, sqrt(2), sqrt(5), ...
    depth_m = np.ones((1, 5), np.float32)
    cloud = point_cloud(depth_m, None, camera, min_range_m=1.2, max_range_m=3.2)
    assert cloud.points['x'].tolist() == [[1.0, 2.0, 3.0]]


def test_cloud_leaves_depth_alone():
    depth_m = np.ones((48, 64), np.float32)
    point_cloud(depth_m, None, CAMERA, min_range_m=5.0, organized=True)
    assert (depth_m == 1).all()


@pytest.mark.parametrize(('depth_shape', 'rgb_shape'), [
    ((48, 63), None), ((64, 48), None), ((48, 64), (48, 63, 3)), ((48, 64), (48, 64)),
])
def test_cloud_of_another_size_than_the_camera_names_it(depth_shape, rgb_shape):
    rgb = None if rgb_shape is None else np.zeros(rgb_shape, np.uint8)
    wrong = depth_shape if rgb_shape is None else rgb_shape
    with pytest.raises(ImageError) as caught:
        point_cloud(np.ones(depth_shape, np.float32), rgb, CAMERA)
    assert str(wrong) in str(caught.value)
    assert '(48, 64)' in str(caught.value)


@pytest.mark.parametrize(('option', 'text'), [
    ({'stride': 0}, 'stride 0'), ({'min_range_m': 3.0, 'max_range_m': 2.0}, '3.0 to 2.0'),
    ({'min_range_m': -1.0}, '-1.0'), ({'max_range_m': math.nan}, 'nan'),
])
def test_cloud_with_impossible_option_names_it(option, text):
    with pytest.raises(ConfigError, match=text):
        point_cloud(np.ones((48, 64), np.float32), None, CAMERA, **option)


def test_rectifier_sees_exactly_what_is_not_painted_black():
    calibration = Calibration(
        64, 48, (50.0, 0, 31.5, 0, 50, 23.5, 0, 0, 1), (0.0,) * 5,
        p=(25.0, 0, 31.5, 0, 0, 25, 23.5, 0, 0, 0, 1, 0))
    rectifier = Rectifier(calibration)
    white = rectifier.rectify(np.full((48, 64, 3), 255, np.uint8))
    seen = rectifier.seen((48, 64))
    assert np.array_equal(seen, (white == 255).all(axis=2))
    assert not seen[0, 0] and seen[24, 32]
    assert rectifier.seen((24, 32)).shape == (24, 32)
