# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
import math

from evaluation_helpers import depth_map
from evaluation_helpers import estimated_sample
from evaluation_helpers import image
from evaluation_helpers import sample
from evaluation_helpers import Samples
from evaluation_helpers import SIZE_HW
from evaluation_helpers import tiny_estimator
import numpy as np
import pytest

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import DatasetError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.evaluation import AlternatingWorlds
from zoe_depth_ros.evaluation import evaluate
from zoe_depth_ros.evaluation import EvaluationOptions
from zoe_depth_ros.evaluation import find_preset
from zoe_depth_ros.evaluation.compare import compare
from zoe_depth_ros.evaluation.compare import compare_depth
from zoe_depth_ros.evaluation.compare import resampled
from zoe_depth_ros.worlds import sample_worlds

PLAIN = EvaluationOptions()


@pytest.fixture(scope='module')
def estimator(tiny_config):
    return tiny_estimator(tiny_config)


def test_evaluation_of_estimates_against_themselves_is_perfect(estimator):
    samples = [estimated_sample(estimator, seed) for seed in range(3)]
    report = evaluate(estimator, Samples(*samples))
    (part,) = report.domains
    assert (part.images, part.router_accuracy) == (3, 1)
    assert (part.metrics.rel, part.metrics.d1, report.fitting_scale) == (0, 1, 1)
    assert (part.calibration.coverage_1_sigma, part.sparsification.ause) == (1, 0)
    assert [row.name for row in report.rows] == ['image 0', 'image 1', 'image 2']


def test_evaluation_counts_what_the_router_gets_wrong(estimator):
    routed = estimator.estimate(image()).domain
    samples = [sample(np.full(SIZE_HW, 3.0), domain) for domain in ('indoor', 'outdoor')]
    report = evaluate(estimator, Samples(*samples))
    assert [(part.domain, part.router_accuracy) for part in report.domains] == [
        ('indoor', routed == 'indoor'), ('outdoor', routed == 'outdoor')]
    assert [row.routed for row in report.rows] == [routed] * 2


def test_evaluation_mixes_the_heads_by_the_routers_probabilities(estimator):
    picked = estimator.estimate(image())
    of_domain = {}
    for domain in ('indoor', 'outdoor'):
        estimator.set_domain(domain)
        of_domain[domain] = estimator.estimate(image()).depth_m
    estimator.set_domain('auto')
    share = {domain: 1 - picked.domain_probability for domain in of_domain}
    share[picked.domain] = picked.domain_probability
    truth_m = np.prod([depth_m ** share[domain] for domain, depth_m in of_domain.items()], axis=0)
    options = EvaluationOptions(route='mixed')
    found = compare(estimator, sample(truth_m, 'indoor', rgb=image()), options).row
    assert found.metrics.rel < 1e-5 and found.routed == picked.domain
    (plain,) = evaluate(estimator, Samples(sample(truth_m, 'indoor', rgb=image()))).rows
    assert plain.metrics.rel > 1e-3


def test_evaluation_by_label_uses_the_head_of_the_sample_and_still_judges_the_router(estimator):
    routed = estimator.estimate(image()).domain
    samples = []
    for domain in ('indoor', 'outdoor'):
        estimator.set_domain(domain)
        samples.append(sample(estimator.estimate(image()).depth_m, domain, rgb=image()))
    estimator.set_domain('auto')
    report = evaluate(estimator, Samples(*samples), EvaluationOptions(route='label'))
    assert [(row.routed, row.metrics.rel) for row in report.rows] == [
        ('indoor', 0), ('outdoor', 0)]
    assert [row.routed_right for row in report.rows] == [
        routed == 'indoor', routed == 'outdoor']
    assert estimator.config.domain == 'auto'


def test_evaluation_finds_the_one_scale_of_all_images_and_applies_it(estimator):
    samples = Samples(*(estimated_sample(estimator, seed, 0.5) for seed in range(3)))
    plain = evaluate(estimator, samples)
    assert plain.domains[0].metrics.rel == pytest.approx(1, rel=1e-5)
    assert plain.fitting_scale == pytest.approx(0.5, rel=1e-6)
    scaled = evaluate(estimator, samples, EvaluationOptions(scale=plain.fitting_scale))
    assert scaled.domains[0].metrics.rel == pytest.approx(0, abs=1e-6)
    assert scaled.fitting_scale == pytest.approx(0.5, rel=1e-6)


def test_evaluation_weighs_images_in_the_one_scale_by_median_and_not_by_mean(estimator):
    factors = (0.5, 0.5, 0.9)
    samples = [estimated_sample(estimator, seed, factor) for seed, factor in enumerate(factors)]
    report = evaluate(estimator, Samples(*samples))
    assert report.fitting_scale == pytest.approx(0.5, rel=1e-6)


def test_evaluation_median_scales_every_image_by_itself(estimator):
    samples = [estimated_sample(estimator, seed, factor) for seed, factor in ((0, 0.5), (1, 1.2))]
    report = evaluate(estimator, Samples(*samples), EvaluationOptions(median=True))
    assert [row.scale for row in report.rows] == pytest.approx([0.5, 1.2], rel=1e-5)
    assert [row.metrics.rel for row in report.rows] == pytest.approx([0, 0], abs=1e-5)


def test_evaluation_keeps_the_worst_images_worst_first(estimator):
    samples = [estimated_sample(estimator, seed, factor)
               for seed, factor in enumerate((0.9, 0.5, 1.0, 0.7))]
    report = evaluate(estimator, Samples(*samples), EvaluationOptions(worst=2))
    assert [one.row.name for one in report.worst] == ['image 1', 'image 3']


BAD = DatasetError('list.txt, line 7: a.png is missing')
EMPTY = sample(np.full(SIZE_HW, np.nan), name='blind')


def test_evaluation_names_the_images_it_skips(estimator):
    good = estimated_sample(estimator, 0)
    report = evaluate(estimator, Samples(BAD, good, EMPTY), EvaluationOptions(skip_bad=True))
    assert [row.name for row in report.rows] == ['image 0']
    assert report.skipped == (
        str(BAD), 'blind: no pixel has a true depth between 0.001 and 10.0 m')


@pytest.mark.parametrize(('bad', 'message'), [(BAD, 'line 7'), (EMPTY, 'blind: no pixel')])
def test_evaluation_stops_at_a_bad_image_unless_told_to_skip(estimator, bad, message):
    with pytest.raises(DatasetError, match=message):
        evaluate(estimator, Samples(estimated_sample(estimator, 0), bad))
    with pytest.raises(DatasetError, match=f'some samples: no image .*{message}'):
        evaluate(estimator, Samples(bad), EvaluationOptions(skip_bad=True))


def test_evaluation_tells_after_every_image(estimator):
    seen = []
    samples = Samples(estimated_sample(estimator, 0), BAD)
    evaluate(estimator, samples, EvaluationOptions(skip_bad=True), lambda: seen.append(1))
    assert len(seen) == 2


def test_evaluation_does_not_count_the_sky(estimator):
    good = estimated_sample(estimator, 0)
    good.depth_m[:30] = math.inf
    report = evaluate(estimator, Samples(good))
    assert report.rows[0].metrics.n_pixels == (64 - 30) * 96


@pytest.mark.parametrize(('wrong', 'message'), [
    ({'route': 'both'}, "route = 'both'"), ({'scale': 0.0}, 'scale = 0.0'),
    ({'scale': math.inf}, 'scale = inf'), ({'worst': -1}, 'worst = -1'),
    ({'median': True, 'scale': 2.0}, 'contradicts scale = 2.0')])
def test_evaluation_options_with_a_wrong_value_name_it(wrong, message):
    with pytest.raises(ConfigError, match=message):
        EvaluationOptions(**wrong)


@pytest.mark.parametrize(('unknown', 'rel'), [('farthest', 1.0), ('nearest', 1 - 1e-3 / 5)])
def test_compare_takes_unknown_depth_as_it_is_told(unknown, rel):
    one = compare_depth(depth_map([[math.nan]]), sample([[5.0]]), PLAIN, unknown)
    assert one.row.metrics.rel == pytest.approx(rel)


def test_compare_takes_unknown_as_farthest_in_the_robot_s_mode_only(tiny_config):
    near_sighted = replace(
        tiny_config, heads=tuple(replace(head, max_depth_m=2e-3) for head in tiny_config.heads))
    truth = sample(np.full(SIZE_HW, 9.0))
    robot = compare(tiny_estimator(near_sighted, mode='robot'), truth, PLAIN)
    assert robot.predicted_m.min() == 10
    paper = compare(tiny_estimator(near_sighted, mode='paper'), truth, PLAIN)
    assert 0 < paper.predicted_m.max() < 10


def test_compare_brings_depth_of_another_size_to_the_truth_s_with_aligned_corners():
    ramp = np.linspace(1, 3, 5) + np.linspace(0, 1, 3)[:, np.newaxis]
    truth = np.linspace(1, 3, 9) + np.linspace(0, 1, 7)[:, np.newaxis]
    assert resampled(ramp, (7, 9)) == pytest.approx(truth)
    one = compare_depth(depth_map(ramp, 0.1 * ramp), sample(truth), PLAIN, 'nearest')
    assert one.row.metrics.rel == pytest.approx(0, abs=1e-6)
    assert one.std_dev_m == pytest.approx(0.1 * truth, rel=1e-6)


def test_compare_scales_depth_and_its_deviation_before_it_is_limited():
    one = compare_depth(
        depth_map([[16.0, 30.0]], [[2.0, 4.0]]), sample([[8.0, 5.0]]),
        EvaluationOptions(scale=0.5), 'nearest')
    assert one.predicted_m.tolist() == [[8, 15]]
    assert one.std_dev_m.tolist() == [[1, 2]]
    assert one.row.metrics.rel == 0.5  # 15 m is limited to 10 m


def test_compare_without_deviation_has_unknown_deviation():
    one = compare_depth(depth_map([[1.0]]), sample([[1.0]]), PLAIN, 'nearest')
    assert np.isnan(one.std_dev_m).all()


def test_compare_by_a_preset_counts_its_crop_and_depths_only():
    truth = np.full((480, 640), 4.0)
    truth[100:110, 100:110] = 9.0
    predicted = truth.copy()
    predicted[:45], predicted[471:], predicted[100:110, 100:110] = 1, 1, 1
    one = compare_depth(
        depth_map(predicted), sample(truth), EvaluationOptions(preset=find_preset('sun')),
        'nearest')
    assert one.row.metrics.n_pixels == 426 * 560 - 100
    assert one.row.metrics.rel == 0


def test_compare_by_a_preset_shows_the_network_the_image_in_its_size(estimator):
    truth = replace(
        sample(np.full((768, 1024), 4.0)), camera=Camera.from_fov(1024, 768, 60))
    one = compare(estimator, truth, EvaluationOptions(preset=find_preset('diode_indoor')))
    assert one.rgb.shape == (480, 640, 3)
    assert one.predicted_m.shape == (768, 1024)


def test_compare_without_a_pixel_that_counts_is_refused():
    with pytest.raises(ImageError, match=r'between 0\.001 and 80\.0 m'):
        compare_depth(
            depth_map([[1.0]]), sample([[90.0]], 'outdoor'), EvaluationOptions(median=True),
            'nearest')


def test_compare_names_the_sample_whose_image_cannot_be_used(estimator):
    broken = replace(sample(np.ones((8, 8)), name='b.png'), camera=Camera.from_fov(9, 9, 60))
    with pytest.raises(DatasetError, match=r'b\.png: image is 8x8 but its camera 9x9'):
        compare(estimator, broken, PLAIN)


@pytest.mark.parametrize('first_seed', [0, 7])
def test_alternating_worlds_are_those_of_the_seeds_indoors_and_outdoors_in_turn(first_seed):
    source = AlternatingWorlds(4, SIZE_HW, first_seed)
    assert len(source) == 4 and source.problems() == []
    for number, domain in enumerate(('indoor', 'outdoor', 'indoor', 'outdoor')):
        found = source[number]
        world = sample_worlds([first_seed + number], SIZE_HW, [domain])
        assert found.domain == domain
        assert found.camera == world.cameras[0]
        rgb = (world.image[0].permute(1, 2, 0) * 255).round().numpy()
        assert (found.rgb == rgb).all()
        depth_m = world.depth_m[0, 0].numpy()
        is_near = depth_m < 80
        assert (found.depth_m[is_near] == depth_m[is_near]).all()
        assert not np.isfinite(found.depth_m[~is_near]).any()
