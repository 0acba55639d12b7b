# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

import json

from bag_helpers import bag_of
from bag_helpers import depth_message
from bag_helpers import info_message
from bag_helpers import rgb_message
import cv2
from evaluation_helpers import image
from evaluation_helpers import SIZE_HW
import numpy as np
import pytest
import torch

from zoe_depth_ros import cli
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.evaluation import EvaluationOptions
from zoe_depth_ros.evaluation import EvaluationReport
from zoe_depth_ros.evaluation import write_calibrated
from zoe_depth_ros.model.checkpoint import save_checkpoint
from zoe_depth_ros.model.zoedepth import ZoeDepth


@pytest.fixture(scope='module')
def weights(tiny_config, tmp_path_factory):
    path = tmp_path_factory.mktemp('weights') / 'tiny.safetensors'
    torch.manual_seed(1)
    save_checkpoint(ZoeDepth(tiny_config), path)
    return str(path)


@pytest.fixture
def folder(tmp_path):
    """Return a folder of two images with 2 m of depth everywhere, and a list of them."""
    for name in ('images', 'depth'):
        (tmp_path / name).mkdir()
    for number in range(2):
        cv2.imwrite(str(tmp_path / 'images' / f'{number}.png'), image(number))
        cv2.imwrite(
            str(tmp_path / 'depth' / f'{number}.png'), np.full(SIZE_HW, 2000, np.uint16))
    (tmp_path / 'list.txt').write_text(
        ''.join(f'images/{number}.png depth/{number}.png 90\n' for number in range(2)))
    return tmp_path


def evaluation(tmp_path, *arguments):
    """Run the command and return its report.json."""
    assert cli.main(['evaluate', *arguments, '--output', str(tmp_path / 'out')]) == 0
    return json.loads((tmp_path / 'out' / 'report.json').read_text())


def test_cli_evaluates_worlds_of_both_domains(weights, tmp_path, capsys):
    found = evaluation(tmp_path, weights, '--worlds', '4', '--size', '32', '64')
    head, indoor, outdoor, *_ = capsys.readouterr().out.splitlines()
    assert head.split()[:6] == ['domain', 'images', 'router', 'd1', 'd2', 'd3']
    assert indoor.split()[:2] == ['indoor', '2'] and outdoor.split()[:2] == ['outdoor', '2']
    assert found['estimator']['mode'] == 'robot'
    assert [row['name'] for row in found['evaluations'][0]['images']] == [
        'indoor world 0', 'outdoor world 1', 'indoor world 2', 'outdoor world 3']


def test_cli_evaluates_a_list_and_a_folder_alike(weights, folder, tmp_path):
    listed = evaluation(tmp_path, weights, '--list', str(folder / 'list.txt'))
    stored = evaluation(tmp_path, weights, '--folder', str(folder))
    one, other = (found['evaluations'][0]['images'] for found in (listed, stored))
    assert [row['metrics'] for row in one] == [row['metrics'] for row in other]
    assert len(one) == 2


def test_cli_evaluates_some_frames_of_the_domain_and_scale_it_is_told(weights, folder, tmp_path):
    found = evaluation(
        tmp_path, weights, '--folder', str(folder), '--frames', '1:', '--domain', 'outdoor',
        '--depth-scale', '40', '--route', 'label', '--mode', 'reference')
    (row,) = found['evaluations'][0]['images']
    assert (row['domain'], row['routed']) == ('outdoor', 'outdoor')
    assert found['estimator']['mode'] == 'reference'
    assert row['metrics']['n_pixels'] == 64 * 96  # 50 m: beyond indoors


def test_cli_one_scale_adds_a_second_evaluation(weights, folder, tmp_path, capsys):
    found = evaluation(tmp_path, weights, '--folder', str(folder), '--one-scale')
    plain, scaled = found['evaluations']
    assert scaled['options']['scale'] == plain['fitting_scale'] != 1
    assert scaled['domains'][0]['metrics']['rel'] < plain['domains'][0]['metrics']['rel']
    assert f'all predictions are multiplied by {plain["fitting_scale"]:.3f}' in (
        capsys.readouterr().out)


def test_cli_median_scales_every_image(weights, folder, tmp_path):
    found = evaluation(tmp_path, weights, '--folder', str(folder), '--median')
    for row in found['evaluations'][0]['images']:
        assert row['scale'] != 1 and row['metrics']['rel'] < 0.5


def test_cli_with_a_preset_follows_the_paper_and_shows_its_figures(
        weights, folder, tmp_path, capsys):
    found = evaluation(
        tmp_path, weights, '--preset', 'nyu', '--list', str(folder / 'list.txt'))
    assert (found['estimator']['mode'], found['estimator']['output_size']) == ('paper', 'network')
    assert found['evaluations'][0]['options']['preset']['title'] == 'NYU Depth v2'
    assert found['evaluations'][0]['images'][0]['metrics']['n_pixels'] == (64 - 45) * (96 - 41)
    assert 'ZoeD-M12-NK' in capsys.readouterr().out


def test_cli_preset_takes_another_depth_scale_but_no_other_domain(
        weights, folder, tmp_path, capsys):
    command = ['--preset', 'sun', '--list', str(folder / 'list.txt')]
    plain, farther = (
        evaluation(tmp_path, weights, *command, *scale)['evaluations'][0]['images'][0]
        for scale in ((), ('--depth-scale', '1100')))
    assert farther['metrics']['rel'] != pytest.approx(plain['metrics']['rel'], rel=0.01)
    for wrong in (['--domain', 'outdoor'], ['--mask', 'garg'], ['--crop', 'kb']):
        assert cli.main(['evaluate', weights, *command, *wrong]) == 2
        assert f'{" ".join(wrong)}: preset sun has' in capsys.readouterr().err


def test_cli_mask_leaves_part_of_the_truth(weights, folder, tmp_path):
    found = evaluation(tmp_path, weights, '--folder', str(folder), '--mask', 'eigen')
    assert found['evaluations'][0]['images'][0]['metrics']['n_pixels'] == (64 - 45) * (96 - 41)


@pytest.mark.parametrize(('arguments', 'message'), [
    (['--preset', 'nyu'], "preset = 'nyu' needs a list, folder or bag"),
    (['--preset', 'moon', '--folder', 'f'], "preset = 'moon' is not one of"),
    (['--worlds', '0'], 'count = 0'), (['--folder', '/nowhere'], '/nowhere'),
    (['--worlds', '1', '--route', 'x'], "route = 'x'"),
    (['--worlds', '1', '--mode', 'x'], "mode = 'x'"),
    (['--domain', 'outdoor'],
     '--domain outdoor is for --list, --folder, --bag, not for --worlds'),
    (['--depth-scale', '5'], '--depth-scale 5.0 is for --list, --folder, not for --worlds'),
    (['--mask', 'garg'], '--mask garg is for --list'),
    (['--bag', 'b', '--depth-scale', '256'], '--depth-scale 256.0 is for --list, --folder, not'),
    (['--folder', 'f', '--root', 'x'], '--root x is for --list, not for --folder'),
    (['--list', 'l', '--image', '/eye'], '--image /eye is for --bag, not for --list'),
    (['--list', 'l', '--size', '32', '64'], '--size [32, 64] is for --worlds, not for --list'),
    (['--bag', 'b', '--first-seed', '0'], '--first-seed 0 is for --worlds, not for --bag'),
    (['--worlds', '1', '--calibrated', 'f'], 'is for --route label, not router'),
    (['--worlds', '1', '--median', '--calibrated', 'f'], 'not for --median')])
def test_cli_evaluate_says_what_is_wrong_in_one_line(weights, arguments, message, capsys):
    assert cli.main(['evaluate', weights, *arguments]) == 2
    out, err = capsys.readouterr()
    assert out == '' and message in err and err.count('\n') == 1


def test_cli_evaluate_stops_at_a_bad_image_or_skips_it(weights, folder, tmp_path, capsys):
    (folder / 'depth' / '1.png').unlink()
    assert cli.main(['evaluate', weights, '--folder', str(folder)]) == 2
    assert '1.png' in capsys.readouterr().err
    found = evaluation(tmp_path, weights, '--folder', str(folder), '--skip-bad')
    assert len(found['evaluations'][0]['images']) == 1
    assert '1 images are left out; the first: ' in capsys.readouterr().out


def test_cli_evaluates_the_topics_of_a_bag(weights, tmp_path):
    bag = bag_of(
        tmp_path / 'bag', rgb_message('/eye/image'), info_message('/eye/camera_info'),
        depth_message('/eye/depth'), rgb_message('/other/image'))
    found = evaluation(
        tmp_path, weights, '--bag', str(bag), '--image', '/eye/image', '--depth', '/eye/depth')
    (row,) = found['evaluations'][0]['images']
    assert row['metrics']['n_pixels'] == 6 * 8


@pytest.mark.shared
def test_cli_evaluates_a_bag_and_the_folder_of_its_frames_alike(weights, shared_dir, tmp_path):
    data = shared_dir / 'data'
    bag = evaluation(
        tmp_path, weights, '--bag', str(data / 'bags/hololens_rgbd_mcap'), '--frames', '0:2')
    files = evaluation(
        tmp_path, weights, '--folder', str(data / 'hololens'), '--frames', '0:2')
    one, other = (found['evaluations'][0]['images'] for found in (bag, files))
    assert [row['metrics'] for row in one] == [row['metrics'] for row in other]
    assert one[0]['metrics']['n_pixels'] > 100_000


def test_weights_are_not_stored_as_calibrated_without_a_factor(weights, tmp_path):
    report = EvaluationReport('nothing', EvaluationOptions(), (), 1.0, (), (), ())
    with pytest.raises(ZoeDepthError, match=r'tiny\.safetensors cannot be calibrated .* \{\}'):
        write_calibrated(tmp_path / 'calibrated.safetensors', weights, report)


def test_cli_stores_weights_whose_standard_deviation_fits(weights, tmp_path):
    arguments = '--worlds', '4', '--size', '32', '64', '--route', 'label'
    path = str(tmp_path / 'calibrated.safetensors')
    before = evaluation(tmp_path, weights, *arguments, '--one-scale', '--calibrated', path)
    after = evaluation(tmp_path, path, *arguments)
    for found, mended in zip(
            *(part['evaluations'][0]['domains'] for part in (before, after)), strict=True):
        assert found['calibration']['sigma_factor'] != pytest.approx(1, rel=0.1)
        assert mended['calibration']['sigma_factor'] == pytest.approx(1, rel=0.01)
        assert mended['calibration']['coverage_1_sigma'] == pytest.approx(0.683, abs=0.01)
