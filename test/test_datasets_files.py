# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Data sets in files: lists and folders."""

from __future__ import annotations

import json
import sys

from datasets_helpers import depth_m
from datasets_helpers import rgb
from datasets_helpers import SIZE_HW
from datasets_helpers import write_depth_mm
from datasets_helpers import write_integers
from datasets_helpers import write_rgb
import numpy as np
import pytest

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.datasets import DatasetConfig
from zoe_depth_ros.datasets import open_source
from zoe_depth_ros.errors import DatasetError

K = '7.5 0 3.25\n0 7.25 2.5\n0 0 1\n'
CAMERA = Camera(8, 6, 7.5, 7.25, 3.25, 2.5)
JSON = {'width': 8, 'height': 6, 'fx': 7.5, 'fy': 7.25, 'cx': 3.25, 'cy': 2.5}


def list_of(path, text, **options):
    path.write_text(text)
    return open_source(DatasetConfig(kind='list', path=str(path), **options))


def folder_of(path, depth, **options):
    """Return a source of one image; write no depth when it is None."""
    write_rgb(path / 'images' / 'a.png', rgb())
    (path / 'depth').mkdir(exist_ok=True)
    if depth is not None:
        write_integers(path / 'depth' / 'a.png', depth)
    return open_source(DatasetConfig(kind='folder', path=str(path), **options))


def save_npy(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, values)


def equal(found, expected):
    return found.dtype == np.float32 and np.array_equal(
        found, np.float32(expected), equal_nan=True)


@pytest.mark.parametrize('slash', ['', '/'])
def test_list_gives_images_depth_and_camera(tmp_path, slash):
    write_rgb(tmp_path / 'kitchen' / 'rgb_1.png', rgb(1))
    write_depth_mm(tmp_path / 'kitchen' / 'depth_1.png', depth_m(1))
    line = f'{slash}kitchen/rgb_1.png {slash}kitchen/depth_1.png 518.8579\n'
    source = list_of(tmp_path / 'train.txt', line, domain='outdoor')
    sample = source[0]
    assert np.array_equal(sample.rgb, rgb(1))
    assert equal(sample.depth_m, depth_m(1))
    assert sample.camera == Camera(8, 6, 518.8579, 518.8579, 3.5, 2.5)
    assert sample.domain == 'outdoor'
    assert sample.name == f'{tmp_path}/train.txt line 1 ({slash}kitchen/rgb_1.png)'


def test_list_has_roots_of_images_and_of_depth(tmp_path):
    write_rgb(tmp_path / 'raw' / 'a.png', rgb())
    write_integers(
        tmp_path / 'gts' / 'a.png', np.full(SIZE_HW, 2560, np.uint16))
    source = list_of(
        tmp_path / 'kitti.txt', 'a.png a.png 721.5\n', root=str(tmp_path / 'raw'),
        depth_root=str(tmp_path / 'gts'), depth_scale=256)
    assert equal(source[0].depth_m, np.full(SIZE_HW, 10))
    with pytest.raises(DatasetError, match=r'kitti\.txt: root .*/none is no folder'):
        list_of(tmp_path / 'kitti.txt', 'a.png a.png 7\n', root=str(tmp_path / 'none'))


def test_list_leaves_out_and_counts_images_without_truth(tmp_path, caplog):
    write_rgb(tmp_path / 'a.png', rgb())
    write_depth_mm(tmp_path / 'd.png', depth_m())
    with caplog.at_level('INFO'):
        source = list_of(tmp_path / 'l.txt', 'b.png None 7\n\na.png d.png 7\nc.png None 7\n')
    assert [sample.name for sample in source] == [f'{tmp_path}/l.txt line 3 (a.png)']
    assert caplog.messages == [f'list {tmp_path}/l.txt: 2 of 3 images have no depth']
    assert source.problems() == []
    with pytest.raises(DatasetError, match=r'has no usable image with depth$'):
        list_of(tmp_path / 'l.txt', 'b.png None 7\n')


@pytest.mark.parametrize(('line', 'message'), [
    ('a.png d.png', 'line 2 (a.png): 2 words, not rgb, depth and focal'),
    ('a.png d.png 7 8', 'line 2 (a.png): 4 words, not rgb, depth and focal'),
    ('a.png d.png f', "line 2 (a.png): focal length 'f' is not a number"),
    ('a.png d.png 0', 'line 2 (a.png): focal length 0 is not positive'),
    ('a.png d.png nan', 'line 2 (a.png): focal length nan is not positive')])
def test_malformed_line_of_a_list_is_an_image_that_cannot_be_used(tmp_path, line, message):
    write_rgb(tmp_path / 'a.png', rgb())
    write_depth_mm(tmp_path / 'd.png', depth_m())
    text = f'a.png d.png 7\n{line}\nb.png d.png 7\n'
    problems = list_of(tmp_path / 'l.txt', text).problems()
    assert problems[0] == f'{tmp_path}/l.txt {message}'
    assert len(problems) == 2 and 'b.png' in problems[1]
    assert len(list_of(tmp_path / 'l.txt', text, skip_bad=True)) == 1


def test_list_that_is_no_text_is_refused(tmp_path):
    (tmp_path / 'l.txt').write_bytes(b'\xff\xfe\xfa')
    with pytest.raises(DatasetError, match=r'l\.txt cannot be read: .*utf-8'):
        open_source(DatasetConfig(kind='list', path=str(tmp_path / 'l.txt')))


def test_problems_of_a_list_name_file_and_line(tmp_path):
    write_rgb(tmp_path / 'a.png', rgb())
    source = list_of(tmp_path / 'l.txt', '\na.png d.png 7\nb.png d.png 7\n')
    assert source.problems() == [
        f'{tmp_path}/l.txt line 2 (a.png): depth {tmp_path}/d.png: No such file or directory',
        f'{tmp_path}/l.txt line 3 (b.png): image {tmp_path}/b.png: No such file or directory']


@pytest.mark.parametrize('name', ['images', 'rgb'])
def test_folder_pairs_files_of_one_name(tmp_path, name):
    for number, suffix in enumerate(('png', 'png', 'jpg')):
        write_rgb(tmp_path / name / f'f{number}.{suffix}', rgb(number))
        write_depth_mm(tmp_path / 'depth' / f'f{number}.png', depth_m(number))
    (tmp_path / name / 'notes.txt').write_text('none')
    source = open_source(DatasetConfig(kind='folder', path=str(tmp_path)))
    assert [sample.name for sample in source] == [
        f'{tmp_path}/{name}/f0.png', f'{tmp_path}/{name}/f1.png', f'{tmp_path}/{name}/f2.jpg']
    assert np.array_equal(source[1].rgb, rgb(1))
    assert equal(source[2].depth_m, depth_m(2))
    assert source[0].camera is None


@pytest.mark.parametrize(('file', 'text'), [('K.txt', K), ('intrinsics.json', json.dumps(JSON))])
def test_folder_knows_its_camera(tmp_path, file, text):
    (tmp_path / file).write_text(text)
    assert folder_of(tmp_path, np.full(SIZE_HW, 900, np.uint16))[0].camera == CAMERA


@pytest.mark.parametrize(('file', 'text', 'message'), [
    ('K.txt', '1 2\n3 4\n', r'K\.txt cannot be read: .* is no 3x3 camera matrix'),
    ('K.txt', '1 0 a', r'K\.txt cannot be read: '),
    ('intrinsics.json', '{"fx": 1}', r'json cannot be read: no cx, cy, fy, height, width'),
    ('intrinsics.json', '{', r'json cannot be read: Expecting')])
def test_folder_with_unreadable_intrinsics_is_refused(tmp_path, file, text, message):
    (tmp_path / file).write_text(text)
    with pytest.raises(DatasetError, match=message):
        folder_of(tmp_path, np.ones(SIZE_HW, np.uint16))


def test_folder_with_intrinsics_for_another_size_is_told(tmp_path):
    (tmp_path / 'intrinsics.json').write_text(json.dumps({**JSON, 'width': 16}))
    source = folder_of(tmp_path, np.ones(SIZE_HW, np.uint16))
    with pytest.raises(DatasetError, match=r'json for 16x6 does not fit an image of 8x6'):
        source[0]


def test_folder_without_pairs_is_refused(tmp_path):
    with pytest.raises(DatasetError, match='has no image with a depth file of its name'):
        folder_of(tmp_path, None)
    (tmp_path / 'depth').rmdir()
    with pytest.raises(DatasetError, match=r'there is no folder .*/depth$'):
        open_source(DatasetConfig(kind='folder', path=str(tmp_path)))


def test_folder_with_two_images_of_one_name_is_refused(tmp_path):
    write_rgb(tmp_path / 'images' / 'a.jpg', rgb())
    with pytest.raises(DatasetError, match=r'images/a\.png has the same name as a\.jpg'):
        folder_of(tmp_path, np.ones(SIZE_HW, np.uint16))


def test_integers_are_scaled_and_floats_are_metres(tmp_path):
    integers = np.arange(48, dtype=np.uint16).reshape(SIZE_HW)
    expected = integers.astype(np.float32) / 4
    expected[0, 0] = np.nan
    found = folder_of(tmp_path / 'png', integers, depth_scale=4)[0]
    assert equal(found.depth_m, expected)
    for name, values in (
            ('f4', expected), ('f8', expected.astype('>f8')), ('thick', expected[..., None])):
        path = tmp_path / name
        save_npy(path / 'depth' / 'a.npy', values)
        assert equal(folder_of(path, None, depth_scale=4)[0].depth_m, expected)
    save_npy(tmp_path / 'i4' / 'depth' / 'a.npy', integers.astype(np.int32) - 1)
    below = folder_of(tmp_path / 'i4', None, depth_scale=4)[0].depth_m
    assert np.isnan(below[0, :2]).all()
    assert below[0, 2] == 0.25
    write_integers(tmp_path / 'tiff' / 'depth' / 'a.tiff', expected)
    assert equal(folder_of(tmp_path / 'tiff', None)[0].depth_m, expected)


def test_distance_becomes_depth_along_the_axis(tmp_path):
    (tmp_path / 'K.txt').write_text('4 0 3\n0 3 2\n0 0 1\n')
    depth = np.full(SIZE_HW, 2, np.float32)
    y, x = np.mgrid[:6, :8]
    distance = np.sqrt(((x - 3) / 4 * depth)**2 + ((y - 2) / 3 * depth)**2 + depth**2)
    assert distance[2, 7] == pytest.approx(2 * 2**0.5)
    save_npy(tmp_path / 'depth' / 'a.npy', distance)
    found = folder_of(tmp_path, None, truth='distance')[0]
    assert found.depth_m == pytest.approx(depth, rel=1e-6)


def test_distance_without_a_camera_is_told(tmp_path):
    source = folder_of(tmp_path, np.ones(SIZE_HW, np.uint16), truth='distance')
    with pytest.raises(DatasetError, match="'distance' needs the camera's intrinsics"):
        source[0]


def test_disparity_becomes_depth_of_unknown_scale(tmp_path):
    values = np.full(SIZE_HW, 0.5, np.float32)
    values[0, :6] = [0, -1, np.nan, 1e-4, 8000, np.inf]
    save_npy(tmp_path / 'depth' / 'a.npy', values)
    found = folder_of(tmp_path, None, truth='disparity')[0].depth_m
    assert equal(found[1:], np.full((5, 8), 2))
    assert equal(
        found[0], [np.inf, np.nan, np.nan, np.float32(1) / np.float32(1e-4), 1 / 8000, np.nan,
                   2, 2])


def test_disparity_of_eight_bits_has_sky_at_zero(tmp_path):
    values = np.full(SIZE_HW, 51, np.uint8)
    values[0, 0] = 0
    found = folder_of(tmp_path, values, truth='disparity', depth_scale=255)[0].depth_m
    assert np.isposinf(found[0, 0])
    assert found[1, 1] == pytest.approx(5)


@pytest.mark.parametrize(('values', 'message'), [
    (np.ones((6, 8, 3), np.float32), r'float32 values of shape \(6, 8, 3\) are no depth'),
    (np.ones(SIZE_HW, bool), 'bool values of shape'),
    (np.array([['a']]), 'values of shape')])
def test_array_that_is_no_depth_is_told(tmp_path, values, message):
    save_npy(tmp_path / 'depth' / 'a.npy', values)
    source = folder_of(tmp_path, None)
    with pytest.raises(DatasetError, match=rf'depth .*/depth/a\.npy: .*{message}'):
        source[0]


@pytest.mark.parametrize('suffix', ['npy', 'png', 'tif'])
@pytest.mark.parametrize('content', [b'', b'abc' * 30])
def test_depth_that_does_not_decode_is_told(tmp_path, suffix, content):
    (tmp_path / 'depth').mkdir()
    (tmp_path / 'depth' / f'a.{suffix}').write_bytes(content)
    source = folder_of(tmp_path, None)
    with pytest.raises(DatasetError, match=rf'depth/a\.{suffix}: does not'):
        source[0]


@pytest.mark.parametrize(('damage', 'reason'), [
    ('archive', ': an archive, not an array'), ('half an archive', ''), ('header', '')])
def test_array_file_that_is_damaged_is_told(tmp_path, damage, reason):
    path = tmp_path / 'depth' / 'a.npy'
    save_npy(path, depth_m())
    if damage == 'header':
        path.write_bytes(path.read_bytes().replace(b'{', b'(', 1))
    else:
        with path.open('wb') as file:
            np.savez(file, depth_m())
        content = path.read_bytes()
        path.write_bytes(content if damage == 'archive' else content[:len(content) // 2])
    source = folder_of(tmp_path, None)
    with pytest.raises(DatasetError, match=rf'a\.npy: does not load{reason}'):
        source[0]


def test_array_of_objects_is_not_unpickled(tmp_path):
    save_npy(tmp_path / 'depth' / 'a.npy', np.array([[{}]]))
    source = folder_of(tmp_path, None)
    with pytest.raises(DatasetError, match=r'a\.npy: does not load: .*allow_pickle'):
        source[0]


@pytest.mark.parametrize('channels', ['Z', 'Y', 'RGB', 'AZ'])
def test_exr_holds_metres(tmp_path, channels):
    exr = pytest.importorskip('OpenEXR', reason='OpenEXR is not installed')
    planes = {name: depth_m(7 if name in 'AGB' else 1) for name in channels}
    (tmp_path / 'depth').mkdir()
    header = {'compression': exr.ZIP_COMPRESSION, 'type': exr.scanlineimage}
    exr.File(header, planes).write(str(tmp_path / 'depth' / 'a.exr'))
    assert equal(folder_of(tmp_path, None)[0].depth_m, depth_m(1))


def test_exr_that_does_not_decode_is_told(tmp_path):
    pytest.importorskip('OpenEXR', reason='OpenEXR is not installed')
    (tmp_path / 'depth').mkdir()
    (tmp_path / 'depth' / 'a.exr').write_bytes(b'abc')
    source = folder_of(tmp_path, None)
    with pytest.raises(DatasetError, match=r'a\.exr: does not decode'):
        source[0]
    (tmp_path / 'depth' / 'a.exr').unlink()
    with pytest.raises(DatasetError, match=r'a\.exr: No such file'):
        source[0]


def test_exr_without_its_package_is_told(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, 'OpenEXR', None)
    (tmp_path / 'depth').mkdir()
    (tmp_path / 'depth' / 'a.exr').write_bytes(b'abc')
    source = folder_of(tmp_path, None)
    with pytest.raises(DatasetError, match='needs the Python package OpenEXR: pip install'):
        source[0]
