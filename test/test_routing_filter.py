# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.inference.routing import Routing
from zoe_depth_ros.inference.routing_filter import RoutingFilter
from zoe_depth_ros.options import RoutingConfig

DOMAINS = ('indoor', 'outdoor')
INSIDE, OUTSIDE, UNSURE = (0.99, 0.01), (0.01, 0.99), (0.45, 0.55)


def run(frames, fps=10.0, domain='auto', **options) -> list[Routing]:
    routing = RoutingFilter(DOMAINS, RoutingConfig(**options), domain)
    return [routing.update(number / fps, pair) for number, pair in enumerate(frames)]


def changes(routings) -> int:
    domains = [routing.domain for routing in routings]
    return sum(a != b for a, b in pairwise(domains))


def test_routing_filter_follows_the_first_frame_at_once():
    first = run([OUTSIDE])[0]
    assert (first.head, first.domain, first.weights) == (1, 'outdoor', (0.0, 1.0))
    assert first.since_change_s == 0


def test_routing_filter_changes_once_where_the_router_flickers():
    flicker = [OUTSIDE, INSIDE, OUTSIDE, OUTSIDE, INSIDE, OUTSIDE]
    assert changes(run([INSIDE] * 30 + flicker + [OUTSIDE] * 30)) == 1


def test_routing_filter_keeps_its_verdict_through_one_wrong_frame():
    assert changes(run([INSIDE] * 30 + [OUTSIDE] + [INSIDE] * 30)) == 0


def test_routing_filter_keeps_its_verdict_while_the_other_is_barely_likelier():
    assert changes(run([INSIDE] * 30 + [UNSURE] * 200)) == 0


def test_routing_filter_averages_the_log_odds_over_the_time_constant():
    # From +4 to -4 in 1 s at a time constant of 1 s: 4 - 8 (1 - 1/e), the limits being 4.
    last = run([(1.0, 0.0)] + [(0.0, 1.0)] * 10, time_constant=1.0, threshold=0.98)[-1]
    belief = 4 - 8 * (1 - np.exp(-1))
    assert last.domain == 'indoor'
    assert last.probability == pytest.approx(1 / (1 + np.exp(-belief)))


@pytest.mark.parametrize('fps', [5.0, 60.0])
def test_routing_filter_takes_the_same_time_at_any_frame_rate(fps):
    steady = int(4 * fps)
    routings = run(
        [INSIDE] * steady + [OUTSIDE] * steady, fps=fps, time_constant=0.4, threshold=0.9)
    first = next(n for n, routing in enumerate(routings) if routing.domain == 'outdoor')
    # 0.4 ln(8 / (4 - ln 9)) s after the first frame outside, to one frame.
    assert (first - steady + 1) / fps == pytest.approx(0.598, abs=1 / fps + 0.02)


def test_routing_filter_lets_a_settled_verdict_dwell():
    frames = [INSIDE] * 30 + [OUTSIDE] * 10 + [INSIDE] * 40
    routings = run(frames, min_dwell=3.0)
    times = [n / 10 for n, routing in enumerate(routings)
             if n and routing.domain != routings[n - 1].domain]
    assert len(times) == 2
    assert times[1] - times[0] >= 3.0


def test_routing_filter_corrects_an_unsettled_start_without_dwelling():
    routings = run([(0.6, 0.4)] + [OUTSIDE] * 15, min_dwell=60.0)
    assert [routings[0].domain, routings[-1].domain] == ['indoor', 'outdoor']


def test_routing_filter_blends_at_a_steady_pace():
    routings = run([INSIDE] * 30 + [OUTSIDE] * 30, blend_time=0.5)
    outdoor = [routing.weights[1] for routing in routings]
    assert max(np.diff(outdoor)) == pytest.approx(0.2)
    assert sum(0.01 < weight < 0.99 for weight in outdoor) == 4
    assert all(sum(routing.weights) == pytest.approx(1) for routing in routings)
    assert outdoor[-1] == 1


def test_routing_filter_without_blending_jumps():
    routings = run([INSIDE] * 30 + [OUTSIDE] * 30, blend_time=0.0)
    assert {routing.weights for routing in routings} == {(1.0, 0.0), (0.0, 1.0)}


def test_routing_filter_tells_the_time_since_the_change():
    routings = run([INSIDE] * 30 + [OUTSIDE] * 30)
    last_inside = max(n for n, routing in enumerate(routings) if routing.domain == 'indoor')
    assert routings[last_inside].since_change_s == pytest.approx(last_inside / 10)
    assert routings[last_inside + 1].since_change_s == 0
    assert routings[-1].since_change_s == pytest.approx((59 - last_inside - 1) / 10)


def test_routing_filter_locks_the_first_settled_verdict():
    assert changes(run([INSIDE] * 30 + [OUTSIDE] * 300, domain='lock')) == 0


def test_routing_filter_does_not_lock_an_unsettled_start():
    routings = run([(0.6, 0.4)] + [OUTSIDE] * 40 + [INSIDE] * 100, domain='lock')
    assert routings[0].domain == 'indoor'
    assert {routing.domain for routing in routings[20:]} == {'outdoor'}


def test_routing_filter_keeps_its_lock_when_a_bag_starts_again():
    routing = RoutingFilter(DOMAINS, domain='lock')
    for number in range(60):
        routing.update(100 + number / 10, INSIDE)
    assert [routing.update(number / 10, OUTSIDE).domain for number in range(60)] == (
        ['indoor'] * 60)
    routing.reset()
    assert routing.update(0.0, OUTSIDE).domain == 'outdoor'


def test_routing_filter_opens_the_lock_when_the_domain_changes():
    routing = RoutingFilter(DOMAINS, domain='lock')
    for number in range(60):
        routing.update(number / 10, INSIDE)
    routing.configure(RoutingConfig())
    assert [routing.update(6 + n / 10, OUTSIDE).domain for n in range(30)][-1] == 'outdoor'


def test_routing_filter_starts_anew_when_time_jumps_back():
    routing = RoutingFilter(DOMAINS)
    for number in range(60):
        routing.update(100 + number / 10, INSIDE)
    again = routing.update(3.0, OUTSIDE)
    assert (again.domain, again.weights, again.since_change_s) == ('outdoor', (0.0, 1.0), 0.0)


def test_routing_filter_believes_the_newest_frame_after_a_long_gap():
    routing = RoutingFilter(DOMAINS)
    for number in range(60):
        routing.update(number / 10, INSIDE)
    later = routing.update(1000.0, OUTSIDE)
    assert (later.domain, later.weights) == ('outdoor', (0.0, 1.0))


@pytest.mark.parametrize('domain', DOMAINS)
def test_routing_filter_obeys_a_forced_domain(domain):
    routings = run([INSIDE] * 30 + [OUTSIDE] * 30, domain=domain)
    assert {routing.domain for routing in routings} == {domain}
    believed = routings[-1].probability
    assert believed > 0.9 if domain == 'outdoor' else believed < 0.1


def test_routing_filter_has_nothing_to_decide_for_one_head():
    routing = RoutingFilter(['outdoor']).update(0.0, [1.0])
    assert (routing.domain, routing.weights) == ('outdoor', (1.0,))


def test_routing_filter_refuses_what_the_model_lacks():
    with pytest.raises(ConfigError, match=r"domain = 'indoor': this model has only outdoor"):
        RoutingFilter(['outdoor'], domain='indoor')
    with pytest.raises(ConfigError, match='3 probabilities for 2 heads'):
        RoutingFilter(DOMAINS).update(0.0, [0.2, 0.3, 0.5])


def test_routing_filter_refuses_a_threshold_that_could_never_be_reached():
    with pytest.raises(ConfigError, match=r'threshold = 0\.99 is above'):
        RoutingConfig(threshold=0.99)


def test_routing_filter_takes_little_disorder_for_no_time_at_all():
    routing = RoutingFilter(DOMAINS)
    for number in range(30):
        routing.update(number / 10, INSIDE)
    late = routing.update(2.899, (0.4, 0.6))
    assert (late.domain, late.weights) == ('indoor', (1.0, 0.0))
    assert late.since_change_s == pytest.approx(2.9)
    assert routing.update(1.5, (0.4, 0.6)).since_change_s == 0  # a bag that is played again
