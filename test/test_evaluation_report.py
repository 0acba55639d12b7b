# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
import json
import math

import cv2
from evaluation_helpers import depth_map
from evaluation_helpers import estimated_sample
from evaluation_helpers import sample
from evaluation_helpers import Samples
from evaluation_helpers import tiny_estimator
import numpy as np
import pytest

from zoe_depth_ros import __version__
from zoe_depth_ros.colorize import colorize_depth
from zoe_depth_ros.colorize import UNKNOWN_RGB
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.evaluation import evaluate
from zoe_depth_ros.evaluation import EvaluationOptions
from zoe_depth_ros.evaluation import find_preset
from zoe_depth_ros.evaluation import format_table
from zoe_depth_ros.evaluation import write_outputs
from zoe_depth_ros.evaluation.compare import compare_depth
from zoe_depth_ros.evaluation.plot import plot_sparsification
from zoe_depth_ros.evaluation.report import as_json
from zoe_depth_ros.evaluation.sheet import colorize_error
from zoe_depth_ros.evaluation.sheet import paint_worst


@pytest.fixture(scope='module')
def estimator(tiny_config):
    return tiny_estimator(tiny_config)


@pytest.fixture(scope='module')
def report(estimator):
    samples = [estimated_sample(estimator, seed, 0.5) for seed in range(2)]
    return evaluate(estimator, Samples(*samples))


def cells(line):
    return line.split()


def test_table_shows_the_figures_under_their_headings(report):
    head, row, remark = format_table(report).splitlines()
    shown = dict(zip(cells(head.replace(' m ', '_m ').replace('sigma x', 'sigma_x')), cells(row),
                     strict=True))
    assert (shown['domain'], shown['images']) == (report.rows[0].domain, '2')
    assert (shown['router'], shown['d1'], shown['REL']) == ('1.000', '0.000', '1.000')
    assert shown['log10'] == f'{math.log10(2):.3f}' and shown['RMSElog'] == f'{math.log(2):.3f}'
    assert shown['SILog'] == '0.00'
    assert remark == 'one factor on all predictions would be 0.500'


def test_table_with_a_preset_shows_the_published_figures_and_notes(report):
    kitti = replace(report, options=EvaluationOptions(preset=find_preset('kitti')))
    lines = format_table(kitti).splitlines()
    assert cells(lines[2])[:8] == ['ZoeD-M12-NK', '-', '-', '-', '-', '-', '0.057', '2.362']
    assert lines[3].startswith('ZoeD-M12-K ') and '0.971' in lines[3]
    assert lines[3].endswith('(Depth Anything, as run there)')
    assert [lines[2].index('0.057'), lines[2].index('2.362')] == [
        lines[3].index('0.054'), lines[3].index('2.281')]
    assert lines[-2:] == ['KITTI has 697 images', '652 of the 697 images have truth']


@pytest.mark.parametrize(('options', 'remark'), [
    (EvaluationOptions(scale=1.25), 'all predictions are multiplied by 1.250'),
    (EvaluationOptions(median=True),
     'every prediction is multiplied by median truth / median prediction'),
    (EvaluationOptions(route='label'),
     'the data set, not the router, chooses the metric head')])
def test_table_says_what_was_done_to_the_predictions(report, options, remark):
    assert remark in format_table(replace(report, options=options)).splitlines()


def test_table_names_how_many_images_are_left_out(report):
    table = format_table(replace(report, skipped=('a.png is missing', 'b.png is missing')))
    assert table.endswith('2 images are left out; the first: a.png is missing')


def test_table_without_deviation_leaves_its_columns_empty(report):
    parts = tuple(
        replace(part, calibration=None, sparsification=None) for part in report.domains)
    assert cells(format_table(replace(report, domains=parts)).splitlines()[1])[-4:] == ['-'] * 4


def test_json_holds_every_figure_and_the_circumstances(report, estimator):
    found = json.loads(json.dumps(as_json([report, report], 'tiny.pt', estimator)))
    assert found['package'] == f'zoe_depth_ros {__version__}'
    assert found['model'] == 'tiny.pt' and found['date'].startswith('20')
    assert found['estimator']['mode'] == 'robot' and found['estimator']['device'] == 'cpu'
    assert len(found['evaluations']) == 2
    one = found['evaluations'][0]
    assert [row['metrics']['rel'] for row in one['images']] == [
        row.metrics.rel for row in report.rows]
    assert one['images'][0]['name'] == 'image 0' and one['images'][0]['routed_right']
    (part,) = one['domains']
    assert part['metrics']['d1'] == 0
    assert part['sparsification']['ause'] == pytest.approx(
        np.mean(part['sparsification']['error']) - np.mean(part['sparsification']['oracle']))


def test_sheet_paints_truth_and_an_equal_prediction_alike():
    truth = np.geomspace(1, 8, 96) * np.ones((64, 1))
    truth[:10], truth[10:20] = math.nan, math.inf
    shown = compare_depth(
        depth_map(np.where(np.isfinite(truth), truth, 3.0)), sample(truth), EvaluationOptions(),
        'nearest')
    sheet = paint_worst([shown, shown])
    row_height = 22 + 240
    assert sheet.shape == (2 * row_height, 4 * 320, 3)
    true, predicted, error = (
        sheet[100:22 + 210, column:column + 320] for column in (320, 640, 960))
    assert (true == predicted).all() and true.std() > 30
    assert (error == 255).all()
    assert len(np.unique(sheet[30:80, 320:640].reshape(-1, 3), axis=0)) == 1


def test_sheet_shows_the_few_pixels_of_a_lidar():
    truth = np.full((960, 1280), math.nan)
    truth[6::40, 3::40] = 4.0
    truth[7::40, 3::40] = 2.0
    shown = compare_depth(
        depth_map(np.full(truth.shape, 4.0)), sample(truth), EvaluationOptions(), 'nearest')
    panels = paint_worst([shown])[22:]
    # Of 2 m and 4 m in one place the nearer is shown: red in the truth, too far in the error.
    near_rgb = colorize_depth(np.full((1, 1), 2, np.float32), near_m=2, far_m=4)[0, 0]
    for column, rgb in ((320, near_rgb), (960, (0, 0, 255))):
        panel = panels[:, column:column + 320]
        assert (panel[1::10, 0::10] == rgb).all()
        assert (panel != UNKNOWN_RGB).any(axis=2).sum() == 24 * 32


def test_sheet_paints_too_near_red_and_too_far_blue():
    predicted, truth = np.array([[1.0, 3.0, 2.0, 2.5, 9.0]]), np.full((1, 5), 2.0, np.float32)
    found = colorize_error(predicted, truth, np.array([[True] * 4 + [False]]))
    assert found[0, :3].tolist() == [[255, 0, 0], [0, 0, 255], [255, 255, 255]]
    assert found[0, 3].tolist() == [128, 128, 255]
    assert found[0, 4].tolist() == [40, 40, 40]


def test_sheet_of_no_image_is_refused():
    with pytest.raises(ImageError, match='no image'):
        paint_worst([])


def test_plot_shows_every_domain_that_has_curves(report):
    (part,) = report.domains
    assert plot_sparsification([part]).shape == (360, 480, 3)
    assert plot_sparsification([part, part]).shape == (360, 960, 3)
    assert plot_sparsification([replace(part, sparsification=None)]) is None


def test_outputs_are_four_files(report, estimator, tmp_path):
    write_outputs(tmp_path / 'new' / 'folder', [report], 'tiny.pt', estimator)
    folder = tmp_path / 'new' / 'folder'
    assert {path.name for path in folder.iterdir()} == {
        'report.json', 'table.txt', 'worst.png', 'sparsification.png'}
    assert (folder / 'table.txt').read_text() == format_table(report) + '\n'
    assert json.loads((folder / 'report.json').read_text())['evaluations'][0]['images']
    painted = cv2.cvtColor(cv2.imread(str(folder / 'worst.png')), cv2.COLOR_BGR2RGB)
    assert (painted == paint_worst(report.worst)).all()


def test_outputs_to_a_place_that_is_no_folder_are_refused(report, estimator, tmp_path):
    (tmp_path / 'file').write_text('')
    with pytest.raises(ZoeDepthError, match='file cannot be written to'):
        write_outputs(tmp_path / 'file', [report], 'tiny.pt', estimator)
