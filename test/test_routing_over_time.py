# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from itertools import repeat

from network_helpers import random_network
from network_helpers import random_rgb
import numpy as np
import pytest
import torch

from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.inference.frames import estimate_frames
from zoe_depth_ros.inference.frames import Frame
from zoe_depth_ros.inference.frames import FramePipeline
from zoe_depth_ros.inference.routing_filter import RoutingFilter
from zoe_depth_ros.options import EstimatorConfig
from zoe_depth_ros.options import NodeConfig
from zoe_depth_ros.options import RoutingConfig

pytestmark = pytest.mark.usefixtures('one_thread')

INSIDE, OUTSIDE = 0.02, 0.98
STEP_S = 0.1
RGB = random_rgb(1)


class ScriptedRouter(torch.nn.Module):
    """Says of one image after another what it is told to: the probability of outdoor."""

    def __init__(self) -> None:
        super().__init__()
        self.outdoor: Iterator[float] = repeat(0.5)

    def forward(self, bottleneck: torch.Tensor) -> torch.Tensor:
        outdoor = torch.tensor([next(self.outdoor) for _ in bottleneck])
        return torch.stack([(1 - outdoor).log(), outdoor.log()], dim=1)


class Stage:
    """An estimator whose router follows a script."""

    def __init__(self, config: ModelConfig, **options) -> None:
        network = random_network(config)
        self.router = network.router = ScriptedRouter()
        self.estimator = DepthEstimator(network, EstimatorConfig(**options))

    def pipeline(self, domain: str = 'auto', **scene) -> FramePipeline:
        return FramePipeline(
            self.estimator, node_config(domain, **scene), already_rectified=False)

    def estimate(self, frames: Sequence[Frame], outdoor: Sequence[float]) -> list[DepthMap]:
        self.router.outdoor = iter(outdoor)
        return estimate_frames(self.estimator, frames)

    def follow(
        self, pipeline: FramePipeline, outdoor: Sequence[float], start_s: float = 0.0,
    ) -> list[DepthMap]:
        """Return the depth of one image over and over, ten times a second."""
        self.router.outdoor = iter(outdoor)
        return [pipeline.process(RGB, None, start_s + number * STEP_S)
                for number in range(len(outdoor))]

    def outdoor_weight(self, depths: Sequence[DepthMap]) -> list[float]:
        """Return the weight of the outdoor head in each of the depths of `RGB`."""
        logs = {}
        for domain in ('indoor', 'outdoor'):
            self.estimator.set_domain(domain)
            self.router.outdoor = repeat(0.5)
            logs[domain] = np.log(self.estimator.estimate(RGB).depth_m)
        self.estimator.set_domain('auto')
        apart = logs['outdoor'] - logs['indoor']
        weights = [(np.log(depth.depth_m) - logs['indoor']) / apart for depth in depths]
        assert max(float(np.ptp(weight)) for weight in weights) < 1e-3
        return [float(weight.mean()) for weight in weights]


def node_config(domain: str = 'auto', **scene) -> NodeConfig:
    return NodeConfig(
        estimator=EstimatorConfig(domain=domain), scene=RoutingConfig(**scene))


def frame(pipeline: FramePipeline, stamp_s: float, rgb: np.ndarray = RGB) -> Frame:
    return Frame(pipeline, pipeline.prepare(rgb, None), stamp_s)


def domains(depths: Sequence[DepthMap]) -> list[str]:
    return [depth.domain for depth in depths]


@pytest.fixture(scope='module')
def stage(one_thread, tiny_config) -> Stage:
    # Cold distributions would magnify what rounding differs between batches.
    return Stage(replace(tiny_config, bins=replace(tiny_config.bins, min_temperature=1.0)))


def test_frames_change_their_head_once_at_a_door_where_the_router_flickers(stage):
    flicker = [OUTSIDE, INSIDE, OUTSIDE, OUTSIDE, INSIDE, OUTSIDE]
    depths = stage.follow(stage.pipeline(), [INSIDE] * 30 + flicker + [OUTSIDE] * 30)
    assert sum(a != b for a, b in pairwise(domains(depths))) == 1
    assert (depths[0].domain, depths[-1].domain) == ('indoor', 'outdoor')
    changed = domains(depths).index('outdoor')
    assert 31 <= changed <= 40
    assert [depth.since_change_s for depth in depths[changed:changed + 3]] == pytest.approx(
        [0, STEP_S, 2 * STEP_S])


def test_frames_pass_from_one_head_to_the_other_evenly_in_the_blend_time(stage):
    depths = stage.follow(stage.pipeline(blend_time=0.5), [INSIDE] * 30 + [OUTSIDE] * 20)
    changed = domains(depths).index('outdoor')
    weights = stage.outdoor_weight(depths[changed - 1:changed + 6])
    assert weights == pytest.approx([0, 0.2, 0.4, 0.6, 0.8, 1, 1], abs=1e-3)


def test_frames_without_blend_time_jump(stage):
    depths = stage.follow(stage.pipeline(blend_time=0.0), [INSIDE] * 30 + [OUTSIDE] * 20)
    changed = domains(depths).index('outdoor')
    weights = stage.outdoor_weight(depths[changed - 1:changed + 1])
    assert weights == pytest.approx([0, 1], abs=1e-3)


def test_frames_tell_the_averaged_probability_of_their_domain(stage):
    depths = stage.follow(stage.pipeline(time_constant=0.4), [INSIDE] * 3 + [OUTSIDE])
    assert depths[2].domain_probability == pytest.approx(0.98, abs=1e-5)
    # Log-odds of 0.98, a step towards those of 0.02 with the weight of 0.1 s at 0.4 s.
    log_odds = np.log(0.98 / 0.02) * (2 * np.exp(-0.1 / 0.4) - 1)
    assert depths[3].domain_probability == pytest.approx(1 / (1 + np.exp(-log_odds)), abs=1e-5)


def test_frames_forced_to_a_domain_have_its_head_at_once(stage):
    depths = stage.follow(stage.pipeline('outdoor'), [INSIDE] * 3)
    assert domains(depths) == ['outdoor'] * 3
    assert stage.outdoor_weight(depths) == pytest.approx([1] * 3, abs=1e-3)
    assert depths[-1].domain_probability == pytest.approx(0.02, abs=1e-5)


def test_frames_take_another_domain_while_they_come(stage):
    pipeline = stage.pipeline(blend_time=0.2)
    stage.follow(pipeline, [INSIDE] * 30)
    pipeline.configure(node_config('outdoor', blend_time=0.2))
    depths = stage.follow(pipeline, [INSIDE] * 3, start_s=3.0)
    assert domains(depths) == ['outdoor'] * 3
    assert stage.outdoor_weight(depths) == pytest.approx([0.5, 1, 1], abs=1e-3)
    pipeline.configure(node_config('auto', blend_time=0.0, min_dwell=0.0))
    depths = stage.follow(pipeline, [INSIDE] * 2, start_s=3.3)
    assert domains(depths) == ['indoor'] * 2
    assert stage.outdoor_weight(depths) == pytest.approx([0, 0], abs=1e-3)


def test_frames_locked_stay_with_their_first_settled_domain_until_unlocked(stage):
    pipeline = stage.pipeline('lock', min_dwell=1.0)
    stage.follow(pipeline, [INSIDE] * 20)
    assert set(domains(stage.follow(pipeline, [OUTSIDE] * 50, start_s=2.0))) == {'indoor'}
    pipeline.configure(node_config('auto', min_dwell=1.0))
    assert domains(stage.follow(pipeline, [OUTSIDE], start_s=7.0)) == ['outdoor']


def test_frames_of_a_model_without_the_domain_refuse_it_and_go_on(one_thread, tiny_config):
    one_head = replace(tiny_config, heads=tiny_config.heads[:1], router=None)
    estimator = DepthEstimator(random_network(one_head))
    pipeline = FramePipeline(estimator, already_rectified=False)
    before = pipeline.process(RGB, None, 0.0)
    with pytest.raises(ConfigError, match="'outdoor': this model has only indoor"):
        pipeline.configure(node_config('outdoor'))
    with pytest.raises(ConfigError, match="'outdoor': this model has only indoor"):
        FramePipeline(estimator, node_config('outdoor'), already_rectified=False)
    after = pipeline.process(RGB, None, STEP_S)
    assert after.domain == before.domain == 'indoor'
    assert np.array_equal(after.depth_m, before.depth_m)


def test_cameras_in_one_batch_keep_what_each_has_seen(stage):
    hall, yard = stage.pipeline(), stage.pipeline()
    stage.follow(hall, [INSIDE] * 30)
    doubtful = random_rgb(2, (40, 64))
    depths = stage.estimate(
        [frame(hall, 3.0), frame(yard, 0.0), frame(hall, 3.1), frame(yard, 0.1, doubtful)],
        [OUTSIDE, OUTSIDE, INSIDE, 0.4])
    assert domains(depths) == ['indoor', 'outdoor'] * 2
    assert [depth.since_change_s for depth in depths] == pytest.approx([3.0, 0, 3.1, 0.1])
    weights = stage.outdoor_weight(depths[:3])
    assert weights == pytest.approx([0, 1, 0], abs=1e-3)
    assert [depth.rgb.shape for depth in depths[2:]] == [(48, 80, 3), (40, 64, 3)]


def test_frames_of_a_camera_in_one_batch_are_routed_as_one_by_one(stage):
    outdoor = [INSIDE] * 30 + [OUTSIDE] * 10
    expected = stage.follow(stage.pipeline(), outdoor)[28:]
    pipeline = stage.pipeline()
    stage.follow(pipeline, outdoor[:28])
    together = stage.estimate(
        [frame(pipeline, number * STEP_S) for number in range(28, 40)], outdoor[28:])
    assert set(domains(expected)) == {'indoor', 'outdoor'}
    for one, other in zip(together, expected, strict=True):
        assert (one.domain, one.since_change_s) == (other.domain, other.since_change_s)
        assert one.domain_probability == pytest.approx(other.domain_probability)
        assert np.allclose(one.depth_m, other.depth_m, rtol=1e-3)


def test_frames_routed_by_batch_remember_nothing(one_thread, tiny_config):
    stage = Stage(tiny_config, routing='batch')
    pipeline = stage.pipeline()
    depths = stage.follow(pipeline, [INSIDE] * 30 + [OUTSIDE])
    assert (depths[-1].domain, depths[-1].since_change_s) == ('outdoor', None)
    assert depths[-1].domain_probability == pytest.approx(0.98, abs=1e-5)
    frames = [frame(pipeline, stamp_s) for stamp_s in (4.0, 4.1, 4.2)]
    assert domains(stage.estimate(frames, [0.6, 0.6, 0.1])) == ['indoor'] * 3


def test_frames_of_a_network_with_one_head_are_certain_of_their_domain(one_thread, tiny_config):
    one_head = replace(tiny_config, heads=tiny_config.heads[:1], router=None)
    pipeline = FramePipeline(DepthEstimator(random_network(one_head)), already_rectified=False)
    assert pipeline.process(RGB, None, 0.0).domain_probability == 1


def test_routing_filter_outlasts_a_frame_of_which_the_router_says_nothing():
    routing = RoutingFilter(('indoor', 'outdoor'))
    routing.update(0.0, (0.98, 0.02))
    routing.update(0.1, (np.nan, np.nan))
    later = [routing.update(0.2 + n * STEP_S, (0.02, 0.98)) for n in range(100)]
    assert (later[-1].domain, later[-1].probability > 0.9) == ('outdoor', True)
