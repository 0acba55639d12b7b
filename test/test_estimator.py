# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
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
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference.preprocess import plan_framing
from zoe_depth_ros.model.zoedepth import ZoeDepth
from zoe_depth_ros.options import EstimatorConfig

pytestmark = pytest.mark.usefixtures('one_thread')

CAMERA = Camera(80, 48, 60.0, 61.0, 39.0, 22.0)


def make(config: ModelConfig, **options) -> DepthEstimator:
    return DepthEstimator(random_network(config), EstimatorConfig(**options))


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


def test_robot_mode_knows_no_depth_beyond_the_range_of_the_head(tiny_config):
    rgb = random_rgb()
    depth_m = make(tiny_config, domain='indoor').estimate(rgb).depth_m
    limit_m = float(np.median(depth_m))
    heads = (replace(tiny_config.heads[0], max_depth_m=limit_m), tiny_config.heads[1])
    network = ZoeDepth(replace(tiny_config, heads=heads))
    network.load_state_dict(random_network(tiny_config).state_dict())
    depth = DepthEstimator(network, EstimatorConfig(domain='indoor')).estimate(rgb)
    unknown = depth_m > limit_m
    assert 0.4 < unknown.mean() < 0.6
    assert np.array_equal(np.isnan(depth.depth_m), unknown)
    assert np.array_equal(np.isnan(depth.std_dev_m), unknown)
    assert np.array_equal(depth.depth_m[~unknown], depth_m[~unknown])
    unlimited = DepthEstimator(network, EstimatorConfig(domain='indoor', mode='paper'))
    assert unlimited.estimate(rgb).depth_m.max() > limit_m


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
    assert (estimator.device.type, estimator.precision) == ('cuda', 'bf16')
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
