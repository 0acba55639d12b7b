# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the bag tool writes is what training reads."""

from __future__ import annotations

from pathlib import Path
import re

import numpy as np
from offline_helpers import bag_of
from offline_helpers import decoded
from offline_helpers import depth_pixels
from offline_helpers import distorted_info
from offline_helpers import image
from offline_helpers import info
from offline_helpers import make
import pytest

from zoe_depth_ros import cli
from zoe_depth_ros.bag.decode import calibration
from zoe_depth_ros.datasets.config import DatasetConfig
from zoe_depth_ros.datasets.open import open_source
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.geometry import Rectifier

DOCUMENT = Path(__file__).parents[1] / 'docs' / 'offline.md'
FRAMES = 3

pytestmark = pytest.mark.usefixtures('one_thread')


@pytest.fixture(scope='module')
def outputs(weights, one_thread, tmp_path_factory) -> Path:
    """Return a folder with bags with depth: of a straight and of a distorted camera."""
    folder = tmp_path_factory.mktemp('learn')
    images = [image(number) for number in range(FRAMES)]
    for name, calibration_ in (('straight', info(0)), ('distorted', distorted_info())):
        bag_of(folder / 'in' / name, [calibration_, *images])
    make(weights, folder / 'in', output=folder / 'o', exports=('dataset',))
    return folder / 'o'


def images_of(bag: Path, topic: str) -> list[np.ndarray]:
    return [np.frombuffer(message.data, np.uint8).reshape(message.height, message.width, 3)
            for name, _, message in decoded(bag) if name == topic]


def depths_of(bag: Path) -> list[np.ndarray]:
    return [depth_pixels(message) for name, _, message in decoded(bag)
            if name == '/depth_node/depth/image']


@pytest.mark.parametrize(('name', 'topic'), [
    ('straight', '/camera/image_raw'), ('distorted', '/depth_node/image_rect')])
def test_export_of_a_data_set_is_read_as_a_folder(outputs, name, topic):
    source = open_source(DatasetConfig(
        'folder', str(outputs / name / 'dataset' / 'camera_image_raw')))
    assert (len(source), source.skipped, source.problems()) == (FRAMES, 0, [])
    frames = zip(source, images_of(outputs / name, topic), depths_of(outputs / name), strict=True)
    for sample, rgb, depth_m in frames:
        assert np.array_equal(sample.rgb, rgb)
        expected_m = np.where(depth_m < 80, depth_m, np.nan)
        assert np.isfinite(expected_m).any()
        assert np.array_equal(sample.depth_m, expected_m, equal_nan=True)


@pytest.mark.parametrize(('name', 'topic'), [
    ('straight', '/camera/image_raw'), ('distorted', '/depth_node/image_rect')])
def test_bag_with_depth_is_read_as_a_data_set(outputs, name, topic):
    source = open_source(DatasetConfig(
        'bag', str(outputs / name), image_topic=topic, depth_topic='/depth_node/depth/image'))
    assert len(source) == FRAMES
    depths = depths_of(outputs / name)
    for sample, rgb, depth_m in zip(
            source, images_of(outputs / name, topic), depths, strict=True):
        assert np.array_equal(sample.rgb, rgb)
        assert np.array_equal(
            sample.depth_m, np.where(depth_m < 80, depth_m, np.nan), equal_nan=True)
    if name == 'distorted':
        assert source[0].camera == Rectifier(calibration(distorted_info())).camera


def test_bag_with_depth_of_a_distorted_camera_does_not_guess_which_image_it_belongs_to(outputs):
    with pytest.raises(BagError, match='2 image topics, not one'):
        open_source(DatasetConfig('bag', str(outputs / 'distorted')))


def test_document_trains_on_what_it_exports(weights, outputs, tmp_path, monkeypatch, capsys):
    section = DOCUMENT.read_text().partition('## A data set from bags')[2].partition('\n## ')[0]
    text = re.search(r'```yaml\n(.*?)```', section, re.DOTALL)[1]
    (tmp_path / 'depth_bags').mkdir()
    (tmp_path / 'depth_bags' / 'my_bag').symlink_to(outputs / 'distorted')
    (tmp_path / 'own.yaml').write_text(text)
    monkeypatch.chdir(tmp_path)
    small = [argument for change in (
        f'init={weights}', 'steps=1', 'batch_size=2', 'workers=0', 'size_hw=[32, 64]')
        for argument in ('--set', change)]
    assert cli.main(['train', 'own.yaml', '--output', 'tuned', '--dry-run', *small]) == 0
    told = capsys.readouterr().out
    assert f'folder depth_bags/my_bag/dataset/camera_image_raw{FRAMES:8d}' in told
    assert cli.main(['train', 'own.yaml', '--output', 'tuned', *small]) == 0
    assert (tmp_path / 'tuned' / 'weights.safetensors').exists()
