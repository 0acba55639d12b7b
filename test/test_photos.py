# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`zoe_depth infer`."""

from __future__ import annotations

from argparse import ArgumentParser
from pathlib import Path
import re

import cv2
from network_helpers import random_rgb
import numpy as np
from PIL import Image
import pytest

from zoe_depth_ros import cli
from zoe_depth_ros.camera import Camera
from zoe_depth_ros.cli import infer
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.errors import CameraError
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.geometry import point_cloud
from zoe_depth_ros.offline.photos import exif_focal_px
from zoe_depth_ros.offline.photos import plan_photos
from zoe_depth_ros.offline.photos import process_photo
from zoe_depth_ros.offline.photos import read_photo
from zoe_depth_ros.options import NodeConfig

ORIENTATION, EXIF_IFD = 0x112, 0x8769
TAGS = {
    'FocalLength': 0x920A, 'FocalLengthIn35mmFilm': 0xA405, 'FocalPlaneXResolution': 0xA20E,
    'FocalPlaneResolutionUnit': 0xA210, 'PixelXDimension': 0xA002}
CONFIG = NodeConfig()

pytestmark = pytest.mark.usefixtures('one_thread')


def photo(path: Path, rgb=None, orientation: int = 1, **tags) -> Path:
    """Write a file with Exif tags; by default of 90 x 60 pixels."""
    image = Image.fromarray(np.zeros((60, 90, 3), np.uint8) if rgb is None else rgb)
    exif = image.getexif()
    exif[ORIENTATION] = orientation
    exif.get_ifd(EXIF_IFD).update({TAGS[name]: value for name, value in tags.items()})
    image.save(path, exif=exif)
    return path


@pytest.mark.parametrize(('tags', 'focal_px'), [
    ({'FocalLengthIn35mmFilm': 28}, 70.0),  # 28 mm before 36 mm of film
    ({'FocalLength': 4.0, 'FocalPlaneXResolution': 50.0, 'FocalPlaneResolutionUnit': 3}, 20.0),
    ({'FocalLength': 25.4, 'FocalPlaneXResolution': 40.0}, 40.0),
    ({'FocalLength': 25.4, 'FocalPlaneXResolution': 40.0, 'PixelXDimension': 360}, 10.0),
    ({'FocalLength': 25.4, 'FocalPlaneXResolution': 40.0, 'FocalLengthIn35mmFilm': 28}, 70.0),
    ({'FocalLength': 25.4, 'FocalPlaneXResolution': 40.0, 'FocalLengthIn35mmFilm': 0}, 40.0),
])
def test_photo_tells_its_focal_length(tmp_path, tags, focal_px):
    assert exif_focal_px(photo(tmp_path / 'p.jpg', **tags)) == pytest.approx(focal_px)


def test_photo_focal_length_on_film_is_compared_by_the_diagonal(tmp_path):
    square = photo(
        tmp_path / 'p.png', np.zeros((100, 100, 3), np.uint8), FocalLengthIn35mmFilm=43)
    assert exif_focal_px(square) == pytest.approx(43 / 43.2666 * 141.4214, rel=1e-5)


@pytest.mark.parametrize('tags', [
    {}, {'FocalLength': 4.0}, {'FocalPlaneXResolution': 50.0}, {'FocalLengthIn35mmFilm': 0},
    {'FocalLength': 0.0, 'FocalPlaneXResolution': 50.0},
    {'FocalLength': 4.0, 'FocalPlaneXResolution': 50.0, 'FocalPlaneResolutionUnit': 1}])
def test_photo_without_usable_tags_has_no_camera(tmp_path, tags):
    assert read_photo(photo(tmp_path / 'p.jpg', **tags)).camera is None


def test_photo_with_broken_tags_is_read_without_camera(tmp_path):
    path = photo(tmp_path / 'p.jpg', FocalLengthIn35mmFilm=28)
    content = path.read_bytes()
    for broken in (b'Exif\0\0XX', b'Exif\0\0MM*?'):
        path.write_bytes(content.replace(content[content.index(b'Exif'):][:len(broken)], broken))
        found = read_photo(path)
        assert found.camera is None
        assert found.rgb.shape == (60, 90, 3)


@pytest.mark.parametrize('ending', ['jpg', 'png'])
def test_photo_is_turned_upright_and_so_is_its_camera(tmp_path, ending):
    rgb = np.zeros((60, 90, 3), np.uint8)
    rgb[:, :45] = 255, 0, 0
    path = photo(tmp_path / f'p.{ending}', rgb, 6, FocalLengthIn35mmFilm=28)  # turn to the right
    found = read_photo(path)
    assert found.rgb.shape == (90, 60, 3)
    assert np.allclose(found.rgb[:30], (255, 0, 0), atol=3)
    assert np.allclose(found.rgb[60:], 0, atol=3)
    assert found.camera == Camera(60, 90, 70.0, 70.0, 29.5, 44.5)


def test_photo_field_of_view_comes_before_its_tags(tmp_path):
    path = photo(tmp_path / 'p.jpg', FocalLengthIn35mmFilm=28)
    assert read_photo(path, 90.0).camera.fx == pytest.approx(45.0)
    with pytest.raises(CameraError, match='200'):
        read_photo(path, 200.0)


def test_photo_of_16_bits_keeps_its_tones(tmp_path):
    cv2.imwrite(str(tmp_path / 'p.png'), np.array([[0, 25700, 65535]], np.uint16))
    assert read_photo(tmp_path / 'p.png').rgb[0, :, 1].tolist() == [0, 100, 255]


@pytest.mark.parametrize('content', [None, b'', b'no picture'])
def test_photo_that_is_none_is_named(tmp_path, content):
    if content is not None:
        (tmp_path / 'p.jpg').write_bytes(content)
    with pytest.raises(ImageError, match=r'photo .*p\.jpg'):
        read_photo(tmp_path / 'p.jpg')


def test_photo_becomes_colours_millimetres_and_a_cloud(estimator, tmp_path):
    path = photo(tmp_path / 'p.png', random_rgb())
    job, = plan_photos([path], tmp_path / 'o')
    depth = process_photo(job, estimator, CONFIG, 60.0)
    assert {path.name for path in (tmp_path / 'o').iterdir()} == {
        'p_color.png', 'p_depth.png', 'p.ply'}
    expected = estimator.estimate(random_rgb())
    millimetres = cv2.imread(str(tmp_path / 'o' / 'p_depth.png'), cv2.IMREAD_UNCHANGED)
    assert millimetres.dtype == np.uint16
    assert np.array_equal(
        millimetres, np.nan_to_num(np.rint(expected.depth_m * 1000)).astype(np.uint16))
    assert cv2.imread(str(tmp_path / 'o' / 'p_color.png')).shape == (48, 80, 3)
    cloud = point_cloud(
        depth.depth_m, None, Camera.from_fov(80, 48, 60.0), min_range_m=0.1,
        max_range_m=40.0)
    assert f'element vertex {cloud.width}\n'.encode() in (tmp_path / 'o' / 'p.ply').read_bytes()


def test_photo_outputs_are_replaced_with_force_only(tmp_path):
    (tmp_path / 'p_depth.png').touch()
    with pytest.raises(ConfigError, match=r'p_depth\.png exists already'):
        plan_photos([Path('in/p.jpg')], tmp_path)
    assert len(plan_photos([Path('in/p.jpg')], tmp_path, force=True)) == 1


def test_photo_without_camera_leaves_no_cloud_of_an_earlier_one(estimator, tmp_path):
    path = photo(tmp_path / 'p.jpg')
    for fov_deg, outputs in ((60.0, 3), (None, 2)):
        job, = plan_photos([path], tmp_path / 'o', force=True)
        process_photo(job, estimator, CONFIG, fov_deg)
        assert len(list((tmp_path / 'o').iterdir())) == outputs


def test_photos_of_one_name_are_refused(tmp_path):
    with pytest.raises(ConfigError, match=r'a/p\.jpg and b/p\.png have one name'):
        plan_photos([Path('a/p.jpg'), Path('b/p.png')], tmp_path)
    assert len(plan_photos([Path('a/p.jpg'), Path('a/p.jpg')], tmp_path)) == 1


def test_photo_output_that_is_no_folder_is_told(estimator, tmp_path):
    path = photo(tmp_path / 'p.jpg')
    with pytest.raises(BagError, match=r'p\.jpg/p_color\.png cannot be written'):
        process_photo(plan_photos([path], path)[0], estimator, CONFIG)


def test_cli_infer_warns_once_of_photos_without_focal_length(weights, tmp_path, capsys):
    paths = [photo(tmp_path / 'a.jpg'), photo(tmp_path / 'b.jpg'),
             photo(tmp_path / 'c.jpg', FocalLengthIn35mmFilm=28)]
    arguments = ['infer', *map(str, paths), '--output', str(tmp_path / 'o')]
    assert cli.main([*arguments, '--model', str(weights), '--set', 'domain=outdoor']) == 0
    out, err = capsys.readouterr()
    assert [line.split(': ')[0] for line in out.splitlines()] == [str(path) for path in paths]
    assert out.count(': outdoor ') == 3
    assert err.count('\n') == 1
    assert 'a.jpg' in err
    assert 'b.jpg' in err
    assert 'c.jpg' not in err
    assert [path.name for path in (tmp_path / 'o').glob('*.ply')] == ['c.ply']


def test_cli_infer_goes_on_after_a_photo_that_cannot_be_read(weights, tmp_path, capsys):
    (tmp_path / 'a.jpg').write_bytes(b'none')
    photo(tmp_path / 'b.jpg')
    assert cli.main([
        'infer', str(tmp_path / 'a.jpg'), str(tmp_path / 'b.jpg'), '--output',
        str(tmp_path / 'o'), '--model', str(weights), '--fov', '60']) == 1
    assert 'a.jpg does not decode' in capsys.readouterr().err
    assert len(list((tmp_path / 'o').iterdir())) == 3


def test_cli_infer_documents_every_option():
    section = (Path(__file__).parents[1] / 'docs' / 'offline.md').read_text().split(
        '\n## Photos\n')[1]
    parser = ArgumentParser()
    infer.add_options(parser)
    wanted = {name for action in parser._actions for name in action.option_strings}
    assert wanted - {'-h', '--help', '--model', '--device'} <= set(
        re.findall(r'--[a-z]+', section))


@pytest.mark.shared
def test_photos_of_every_size_get_depth_of_their_size(shared_dir, estimator, tmp_path):
    paths = sorted((shared_dir / 'data' / 'photos').glob('*.jpg'))
    assert len(paths) == 5
    for job in plan_photos(paths, tmp_path):
        depth = process_photo(job, estimator, CONFIG)
        with Image.open(job.path) as image:
            assert depth.depth_m.shape == image.size[::-1]
        assert depth.camera is None  # no photo tells its focal length
