# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from threading import current_thread
from threading import enumerate as enumerate_threads
from threading import Thread
import warnings

from network_helpers import random_network
from network_helpers import random_rgb
from network_helpers import SIZE_HW
import numpy as np
import pytest
import torch

from zoe_depth_ros.camera import Camera
from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import DeviceError
from zoe_depth_ros.errors import ImageError
from zoe_depth_ros.errors import WeightsError
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference.preprocess import plan_framing
from zoe_depth_ros.inference.routing import Routing
from zoe_depth_ros.model.checkpoint import load_model
from zoe_depth_ros.model.checkpoint import save_checkpoint
from zoe_depth_ros.model.zoedepth import ZoeDepth
from zoe_depth_ros.options import EstimatorConfig

pytestmark = pytest.mark.usefixtures('one_thread')

CAMERA = Camera(80, 48, 60.0, 61.0, 39.0, 22.0)


def make(config: ModelConfig, **options) -> DepthEstimator:
    return DepthEstimator(random_network(config), EstimatorConfig(**options))


def make_with_heads(
        config: ModelConfig, *changes: dict[str, float], **options) -> DepthEstimator:
    """Return the estimator that `make` returns with other numbers in the heads of its model."""
    network = ZoeDepth(replace(config, heads=tuple(
        replace(head, **changed) for head, changed in zip(config.heads, changes, strict=True))))
    network.load_state_dict(random_network(config).state_dict())
    return DepthEstimator(network, EstimatorConfig(**options))


def routed(*weights: float) -> Routing:
    head = int(np.argmax(weights))
    return Routing(head, ('indoor', 'outdoor')[head], 0.3, weights, 1.5)


def run_network(config: ModelConfig, rgb: np.ndarray, *, head: int | None, mode: str):
    """Return depth and spread (h, w) of the bare network on an image."""
    framing = plan_framing(rgb.shape[:2], config.network_size_hw, mode)
    network = random_network(config).eval()
    with torch.no_grad():
        output = network(
            framing.prepare(torch.from_numpy(rgb[None].copy())),
            heads=None if head is None else [head])
    return output.depth_m[0, 0].numpy(), output.std_dev_m[0, 0].numpy()


def test_estimate_is_the_output_of_the_network_resized_to_the_image(tiny_config, estimator):
    rgb = random_rgb(1, (64, 96))
    depth = estimator.estimate(rgb, Camera(96, 64, 60.0, 60.0, 47.5, 31.5))
    expected_m, spread_m = run_network(tiny_config, rgb, head=None, mode='robot')
    assert np.allclose(depth.depth_m, expected_m, rtol=1e-5)
    assert np.allclose(depth.std_dev_m, spread_m, rtol=1e-4, atol=1e-6)
    assert depth.depth_m.dtype == depth.std_dev_m.dtype == np.float32
    assert depth.camera == Camera(96, 64, 60.0, 60.0, 47.5, 31.5)
    assert depth.rgb is rgb


def test_estimate_of_network_size_has_the_image_and_camera_of_that_size(tiny_config):
    rgb = np.zeros((*SIZE_HW, 3), np.uint8)
    rgb[:, :, 0] = np.linspace(0, 79, 80)
    depth = make(tiny_config, output_size='network').estimate(rgb, CAMERA)
    assert depth.depth_m.shape == depth.std_dev_m.shape == (64, 96)
    assert depth.rgb.shape == (64, 96, 3)
    assert depth.rgb.dtype == np.uint8
    assert np.abs(depth.rgb[0, :, 0] - np.linspace(0, 79, 96)).max() < 1
    assert depth.camera.size_hw == (64, 96)
    assert depth.camera.cx == pytest.approx(39.0 * 95 / 79)


def test_batch_gives_what_single_images_give_in_their_order(estimator):
    images = [random_rgb(seed, size) for seed, size in enumerate(
        [(48, 80), (60, 50), (48, 80), (30, 70), (60, 50)])]
    cameras = [None, *(Camera(rgb.shape[1], rgb.shape[0], 50 + n, 50, 20, 20)
                       for n, rgb in enumerate(images[1:]))]
    batch = estimator.estimate_batch(images, cameras)
    assert [depth.camera for depth in batch] == cameras
    for rgb, depth in zip(images, batch, strict=True):
        single = estimator.estimate(rgb)
        assert depth.rgb is rgb
        assert depth.domain == single.domain
        assert np.allclose(depth.depth_m, single.depth_m, rtol=1e-5)
    assert estimator.estimate_batch([]) == []


def test_batch_routing_gives_all_images_one_domain(tiny_config):
    images = [random_rgb(seed) for seed in range(4)] + [np.zeros((*SIZE_HW, 3), np.uint8)]
    estimator = make(tiny_config, routing='batch')
    logits = []
    for rgb in images:
        share = estimator.estimate(rgb)
        indoor = share.domain_probability if share.domain == 'indoor' else (
            1 - share.domain_probability)
        logits.append(np.log(indoor / (1 - indoor)))
    wanted = 'indoor' if sum(logits) > 0 else 'outdoor'
    assert {depth.domain for depth in estimator.estimate_batch(images)} == {wanted}


def test_estimate_takes_a_read_only_image_without_a_warning(estimator):
    rgb = np.frombuffer(random_rgb().tobytes(), np.uint8).reshape(*SIZE_HW, 3)
    assert not rgb.flags.writeable
    with warnings.catch_warnings():
        warnings.simplefilter('error')
        estimator.estimate(rgb)


def test_estimate_takes_a_view_of_another_image(estimator):
    whole = random_rgb(2, (100, 200))
    view = whole[4:52, 10:170:2, ::-1]
    assert np.array_equal(
        estimator.estimate(view).depth_m, estimator.estimate(view.copy()).depth_m)


@pytest.mark.parametrize(('rgb', 'found'), [
    (np.zeros((48, 80), np.uint8), r'uint8 \(48, 80\)'),
    (np.zeros((48, 80, 4), np.uint8), r'uint8 \(48, 80, 4\)'),
    (np.zeros((48, 80, 3), np.float32), r'float32 \(48, 80, 3\)'),
    (np.zeros((0, 80, 3), np.uint8), r'uint8 \(0, 80, 3\)'),
    ([[1, 2, 3]], 'list'),
    (None, 'NoneType'),
])
def test_estimate_of_no_image_names_what_it_got(estimator, rgb, found):
    with pytest.raises(ImageError, match=f'image is {found}'):
        estimator.estimate(rgb)


def test_estimate_of_an_image_of_another_size_than_its_camera_is_refused(estimator):
    with pytest.raises(ImageError, match='image is 80x48 but its camera 40x48'):
        estimator.estimate(random_rgb(), replace(CAMERA, width=40))
    with pytest.raises(ImageError, match='2 images but 1 cameras'):
        estimator.estimate_batch([random_rgb()] * 2, [CAMERA])


def test_domain_forced_uses_that_head(tiny_config):
    rgb = random_rgb(4, (64, 96))
    for head, domain in enumerate(('indoor', 'outdoor')):
        depth = make(tiny_config, domain=domain).estimate(rgb)
        expected_m, _ = run_network(tiny_config, rgb, head=head, mode='robot')
        assert depth.domain == domain
        assert np.allclose(depth.depth_m, expected_m, rtol=1e-5)


def test_domain_can_be_set_and_returned_to_the_router(tiny_config, estimator):
    rgb = random_rgb()
    routed = estimator.estimate(rgb)
    other = 'outdoor' if routed.domain == 'indoor' else 'indoor'
    estimator.set_domain(other)
    forced = estimator.estimate(rgb)
    assert forced.domain == other
    assert forced.domain_probability == pytest.approx(1 - routed.domain_probability, abs=1e-6)
    with pytest.raises(ConfigError, match='underwater'):
        estimator.set_domain('underwater')
    assert estimator.estimate(rgb).domain == other
    estimator.set_domain('auto')
    assert estimator.estimate(rgb).domain == routed.domain


def test_domain_without_a_head_is_refused(tiny_config):
    config = replace(tiny_config, heads=tiny_config.heads[:1], router=None)
    with pytest.raises(ConfigError, match="'outdoor': this model has only indoor"):
        make(config, domain='outdoor')
    depth = make(config).estimate(random_rgb())
    assert (depth.domain, depth.domain_probability) == ('indoor', 1.0)


def test_domain_set_while_estimating_gives_depth_of_one_head_or_the_other(tiny_config):
    estimator, rgb = make(tiny_config, domain='indoor'), random_rgb()
    expected = {}
    for domain in ('outdoor', 'indoor'):
        estimator.set_domain(domain)
        expected[domain] = estimator.estimate(rgb).depth_m
    results = []
    worker = Thread(target=lambda: results.extend(estimator.estimate(rgb) for _ in range(30)))
    worker.start()
    while worker.is_alive():
        for domain in ('outdoor', 'indoor'):
            estimator.set_domain(domain)
    assert len(results) == 30
    for depth in results:
        assert np.array_equal(depth.depth_m, expected[depth.domain])


def test_domain_lock_is_auto_where_images_do_not_follow_each_other(tiny_config, estimator):
    locked = make(tiny_config, domain='lock')
    images = [random_rgb(1), np.zeros((*SIZE_HW, 3), np.uint8), random_rgb(2)]
    for rgb in images:
        expected, found = estimator.estimate(rgb), locked.estimate(rgb)
        assert (found.domain, found.since_change_s) == (expected.domain, None)
        assert found.domain_probability == pytest.approx(expected.domain_probability, abs=1e-6)
        assert np.allclose(found.depth_m, expected.depth_m, rtol=1e-5)


def test_choice_is_asked_for_every_image_with_what_the_router_says_of_it(estimator):
    sizes = [(48, 80), (60, 50), (48, 80), (30, 70), (60, 50)]
    images, asked = [random_rgb(seed, size) for seed, size in enumerate(sizes)], []

    def choose(number: int, probabilities: Sequence[float]) -> Routing:
        asked.append((number, tuple(probabilities)))
        return routed(float(number % 2), float(number % 2 == 0))

    depths = estimator.estimate_batch(images, choose=choose)
    assert [number for number, _ in asked] == [0, 2, 1, 4, 3]  # by size, else in order
    assert [depth.domain for depth in depths] == ['outdoor', 'indoor'] * 2 + ['outdoor']
    for number, probabilities in asked:
        alone = estimator.estimate(images[number])
        assert sum(probabilities) == pytest.approx(1)
        assert probabilities[estimator.domains.index(alone.domain)] == pytest.approx(
            alone.domain_probability, abs=1e-5)
    assert len({probabilities for _, probabilities in asked}) == 5


@pytest.mark.parametrize('domain', ['auto', 'indoor', 'lock'])
def test_choice_decides_the_weight_of_each_head_whatever_the_domain(tiny_config, domain):
    estimator, images = make(tiny_config, domain=domain), [random_rgb(n, (64, 96)) for n in (4, 5)]
    choices = [routed(0.25, 0.75), routed(0.0, 1.0)]
    depths = estimator.estimate_batch(images, choose=lambda number, _: choices[number])
    for rgb, depth, choice in zip(images, depths, choices, strict=True):
        (one_m, one_spread_m), (two_m, two_spread_m) = (
            run_network(tiny_config, rgb, head=head, mode='robot') for head in (0, 1))
        share, other = choice.weights
        assert np.allclose(depth.depth_m, one_m ** share * two_m ** other, rtol=1e-4)
        assert np.allclose(
            depth.std_dev_m, share * one_spread_m + other * two_spread_m, rtol=1e-3, atol=1e-6)
        assert (depth.domain, depth.domain_probability, depth.since_change_s) == (
            'outdoor', 0.3, 1.5)


@pytest.mark.parametrize('mode', ['reference', 'paper'])
def test_choice_of_flip_modes_sees_the_evidence_of_the_image_and_its_mirror_image(
        tiny_config, mode):
    estimator, images, asked = make(tiny_config, mode=mode), [random_rgb(n) for n in (4, 5)], []
    depths = estimator.estimate_batch(
        images, choose=lambda number, said: asked.append(said) or routed(1.0, 0.0))
    network = random_network(tiny_config).eval()
    framing = plan_framing(SIZE_HW, tiny_config.network_size_hw, mode)
    for rgb, said, depth in zip(images, asked, depths, strict=True):
        both = torch.from_numpy(np.stack([rgb, rgb[:, ::-1]]))
        with torch.no_grad():
            logits = network(framing.prepare(both)).domain_logits
        assert said == pytest.approx(logits.sum(dim=0).softmax(dim=0).tolist(), abs=1e-5)
        forced = make(tiny_config, mode=mode, domain='indoor').estimate(rgb)
        assert np.allclose(depth.depth_m, forced.depth_m, rtol=1e-4, equal_nan=True)


@pytest.mark.parametrize(('beyond_range', 'value'), [
    ('unknown', np.nan), ('infinite', np.inf)])
def test_robot_mode_knows_no_depth_beyond_the_range_of_the_head(tiny_config, beyond_range, value):
    rgb = random_rgb()
    depth_m = make(tiny_config, domain='indoor').estimate(rgb).depth_m
    limit_m = float(np.median(depth_m))
    limits = {'max_depth_m': limit_m}, {}
    estimator = make_with_heads(tiny_config, *limits, beyond_range=beyond_range, domain='indoor')
    depth = estimator.estimate(rgb)
    beyond = depth_m > limit_m
    assert 0.4 < beyond.mean() < 0.6
    assert np.array_equal(depth.depth_m, np.where(beyond, value, depth_m), equal_nan=True)
    assert np.array_equal(np.isnan(depth.std_dev_m), beyond)
    estimator.set_domain('outdoor')
    assert np.isfinite(estimator.estimate(rgb).depth_m).all()
    unlimited = make_with_heads(
        tiny_config, *limits, beyond_range=beyond_range, domain='indoor', mode='paper')
    assert limit_m < unlimited.estimate(rgb).depth_m.max() < np.inf


def test_robot_mode_knows_depth_as_far_as_the_farther_head_while_one_takes_over(tiny_config):
    rgb = random_rgb()
    everywhere_m = make(tiny_config).estimate_batch(
        [rgb], choose=lambda *_: routed(0.5, 0.5))[0].depth_m
    far_m = float(np.median(everywhere_m))
    estimator = make_with_heads(tiny_config, {'max_depth_m': 0.1}, {'max_depth_m': far_m})
    depth_m, nothing_m = (
        estimator.estimate_batch([rgb], choose=lambda *_, w=weights: routed(*w))[0].depth_m
        for weights in ((0.5, 0.5), (1.0, 0.0)))
    beyond = everywhere_m > far_m
    assert np.array_equal(depth_m, np.where(beyond, np.nan, everywhere_m), equal_nan=True)
    assert np.isnan(nothing_m).all()


def test_standard_deviation_is_multiplied_by_the_factor_of_its_head(tiny_config):
    rgb, factors = random_rgb(), ({'std_dev_factor': 2.0}, {'std_dev_factor': 3.0})
    plain, scaled = make(tiny_config), make_with_heads(tiny_config, *factors)
    for weights, factor in (((1.0, 0.0), 2.0), ((0.0, 1.0), 3.0), ((0.25, 0.75), 2.75)):
        before, after = (
            one.estimate_batch([rgb], choose=lambda *_, w=weights: routed(*w))[0]
            for one in (plain, scaled))
        assert np.array_equal(after.depth_m, before.depth_m)
        assert np.allclose(after.std_dev_m, factor * before.std_dev_m, rtol=1e-5)
    before, after = (one.estimate(rgb) for one in (plain, scaled))
    assert np.allclose(
        after.std_dev_m, {'indoor': 2, 'outdoor': 3}[after.domain] * before.std_dev_m, rtol=1e-5)


FOCAL_LENGTHS = {'focal_of_width': 0.8}, {'focal_of_width': 0.5}


@pytest.mark.parametrize('output_size', ['image', 'network'])
@pytest.mark.parametrize('weights', [(1.0, 0.0), (0.0, 1.0), (0.25, 0.75)])
def test_focal_normalisation_multiplies_by_the_lens_over_the_trained_one(
        tiny_config, weights, output_size):
    images = [random_rgb(4), random_rgb(5)]
    plain, normalised = (
        make_with_heads(
            tiny_config, *FOCAL_LENGTHS, output_size=output_size, focal_normalisation=wanted)
        .estimate_batch(images, [CAMERA, None], choose=lambda *_: routed(*weights))
        for wanted in (False, True))
    # Network input 64x96 of an image of 48x80 with fx 60; trained with 0.8 and 0.5 of 96 px.
    focal_px = 60 * 95 / 79
    factor = (focal_px / 76.8) ** weights[0] * (focal_px / 48) ** weights[1]
    assert np.allclose(normalised[0].depth_m, factor * plain[0].depth_m, rtol=1e-5)
    assert np.allclose(normalised[0].std_dev_m, factor * plain[0].std_dev_m, rtol=1e-5)
    assert np.array_equal(normalised[1].depth_m, plain[1].depth_m)


@pytest.mark.parametrize('mode', [
    'robot', 'paper',
    'reference'])
def test_focal_normalisation_takes_the_lens_as_the_network_sees_it(tiny_config, mode):
    plain, normalised = (
        make_with_heads(
            tiny_config, *FOCAL_LENGTHS, mode=mode, domain='indoor', focal_normalisation=wanted)
        .estimate(random_rgb(), CAMERA)
        for wanted in (False, True))
    framing = plan_framing(SIZE_HW, tiny_config.network_size_hw, mode)
    # Columns from the image to the network input: a ramp tells how far apart its columns end up.
    ramp = np.repeat(np.linspace(0, 79, 80, dtype=np.uint8)[None, :, None], 48, axis=0)
    seen = framing.prepare(torch.from_numpy(ramp.repeat(3, axis=2)[None]))[0, 0, 32]
    columns = (seen * 0.5 + 0.5) * 255
    middle = len(columns) // 2
    pace = float(columns[middle + 5] - columns[middle - 5]) / 10
    ratio = normalised.depth_m / plain.depth_m
    assert np.nanmin(ratio) == pytest.approx(np.nanmax(ratio), rel=1e-5)
    assert np.nanmean(ratio) == pytest.approx(60 / pace / 76.8, rel=1e-3)


def test_focal_normalisation_without_a_trained_focal_length_is_refused(tiny_config):
    with pytest.raises(ConfigError, match=r'focal_normalisation = True.* head nyu, kitti '):
        make(tiny_config, focal_normalisation=True)
    with pytest.raises(ConfigError, match='head kitti '):
        make_with_heads(tiny_config, FOCAL_LENGTHS[0], {}, focal_normalisation=True)


def test_flip_modes_average_the_image_and_its_mirror_image(tiny_config):
    rgb = random_rgb(5, (64, 96))
    depth = make(tiny_config, mode='paper', domain='indoor').estimate(rgb)
    one_m, one_spread_m = run_network(tiny_config, rgb, head=0, mode='paper')
    two_m, two_spread_m = (
        values[:, ::-1] for values in run_network(tiny_config, rgb[:, ::-1], head=0, mode='paper'))
    assert np.abs(one_m - two_m).max() > 1e-4
    assert np.allclose(depth.depth_m, (one_m + two_m) / 2, rtol=1e-5)
    second_moment = (one_spread_m**2 + one_m**2 + two_spread_m**2 + two_m**2) / 2
    expected_m = np.sqrt(second_moment - ((one_m + two_m) / 2) ** 2)
    assert np.allclose(depth.std_dev_m, expected_m, rtol=1e-2, atol=1e-4)


@pytest.mark.parametrize('mode', ['robot', 'paper'])
def test_standard_deviation_nobody_wants_is_not_computed(tiny_config, mode):
    network, computed = random_network(tiny_config), []
    network.register_forward_hook(
        lambda module, images, output: computed.append(output.std_dev_m is not None))
    config = EstimatorConfig(mode=mode)
    depth = DepthEstimator(network, config, with_std_dev=False).estimate(random_rgb())
    assert depth.std_dev_m is None
    assert set(computed) == {False}
    expected = DepthEstimator(network, config).estimate(random_rgb())
    assert set(computed) == {False, True}
    assert np.array_equal(depth.depth_m, expected.depth_m, equal_nan=True)


def test_standard_deviation_can_be_switched_on_and_off_between_images(tiny_config):
    estimator = make(tiny_config)
    wanted = estimator.estimate(random_rgb())
    estimator.with_std_dev = False
    unwanted = estimator.estimate(random_rgb())
    estimator.with_std_dev = True
    again = estimator.estimate(random_rgb())
    assert unwanted.std_dev_m is None
    assert np.array_equal(unwanted.depth_m, wanted.depth_m)
    assert np.array_equal(again.std_dev_m, wanted.std_dev_m)


def test_network_size_is_that_of_the_model_or_of_the_options(tiny_config):
    assert make(tiny_config).network_size_hw == (64, 96)
    assert make(tiny_config, network_height=96).network_size_hw == (96, 96)
    assert make(tiny_config, network_height=96, network_width=128).network_size_hw == (96, 128)
    assert make(tiny_config).domains == ('indoor', 'outdoor')


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason='no CUDA device')
def test_estimator_released_gives_the_memory_of_the_gpu_back(tiny_config):
    before = torch.cuda.memory_allocated()
    estimator = make(tiny_config)
    estimator.estimate(random_rgb())
    assert estimator.device_name.startswith('cuda')
    assert estimator.precision == 'bf16'
    taken = estimator.gpu_memory_bytes - before
    estimator.release()
    assert torch.cuda.memory_allocated() - before < taken / 10


def test_reduced_precision_passes_a_self_check_and_differs_a_little(tiny_config):
    exact, reduced = make(tiny_config), make(tiny_config, precision='bf16')
    assert (exact.precision, reduced.precision, reduced.device_name) == ('fp32', 'bf16', 'cpu')
    exact_m, reduced_m = (one.estimate(random_rgb()).depth_m for one in (exact, reduced))
    assert 0 < np.abs(reduced_m / exact_m - 1).mean() < 0.05


def test_reduced_precision_beyond_the_limit_is_refused_or_falls_back_or_is_not_checked(
        tiny_config, caplog):
    with pytest.raises(DeviceError, match=r'bfloat16 depth on cpu differs .*limit 0\.0'):
        make(tiny_config, precision='bf16', self_check_limit=0.0)
    estimator = make(
        tiny_config, precision='bf16', self_check_limit=0.0, self_check='fallback')
    assert estimator.precision == 'fp32'
    assert 'falling back to fp32' in caplog.text
    assert np.array_equal(
        estimator.estimate(random_rgb()).depth_m, make(tiny_config).estimate(random_rgb()).depth_m)
    unchecked = make(tiny_config, precision='bf16', self_check_limit=0.0, self_check='off')
    assert unchecked.precision == 'bf16'


def test_failure_of_the_device_is_reported_as_such(tiny_config, monkeypatch):
    estimator = make(tiny_config)

    def fail(*arguments: object, **options: object) -> None:
        raise torch.OutOfMemoryError('out of memory\nTried to allocate')

    monkeypatch.setattr(estimator._network, 'predict', fail)
    with pytest.raises(DeviceError, match=r'1 images of 80x48 failed on cpu: out of memory$'):
        estimator.estimate(random_rgb())


def test_from_pretrained_takes_a_file_and_options(tiny_config, weights):
    loaded = DepthEstimator.from_pretrained(weights, domain='outdoor')
    expected = make(tiny_config, domain='outdoor').estimate(random_rgb())
    assert np.array_equal(loaded.estimate(random_rgb()).depth_m, expected.depth_m)
    with pytest.raises(ConfigError, match='colour'):
        DepthEstimator.from_pretrained(weights, colour='red')
    loaded.release()
    with pytest.raises(AttributeError):
        loaded.estimate(random_rgb())


def test_own_thread_loads_and_computes_and_gives_the_same_depth(tiny_config, tmp_path):
    path = tmp_path / 'tiny.safetensors'
    save_checkpoint(random_network(tiny_config), path)
    rgb = random_rgb()
    expected = DepthEstimator(load_model(path)).estimate(rgb)
    threads = []

    def choose(number: int, probabilities: Sequence[float]) -> Routing:
        threads.append(current_thread().name)
        return Routing(1, 'outdoor', 1.0, (0.0, 1.0))

    estimator = DepthEstimator.in_own_thread(path, with_std_dev=False)
    found = estimator.estimate(rgb)
    assert np.array_equal(found.depth_m, expected.depth_m, equal_nan=True)
    assert found.std_dev_m is None
    for _ in range(2):
        estimator.estimate_batch([rgb], choose=choose)
    assert threads == ['network_0', 'network_0']
    with pytest.raises(ImageError, match='not'):
        estimator.estimate(rgb[0])
    assert 'network_0' in {thread.name for thread in enumerate_threads()}
    estimator.release()
    assert 'network_0' not in {thread.name for thread in enumerate_threads()}
    with pytest.raises(WeightsError, match=r'no\.safetensors'):
        DepthEstimator.in_own_thread(tmp_path / 'no.safetensors')
