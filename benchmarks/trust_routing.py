# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""How steady the metric head stays on drives through doors."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import numpy as np
from trust_shots import Bench
from trust_shots import FIRST_SEED
from trust_shots import row
from trust_shots import Shot

from zoe_depth_ros.config import DOMAINS
from zoe_depth_ros.inference.routing_filter import RoutingFilter
from zoe_depth_ros.options import RoutingConfig
from zoe_depth_ros.worlds import doorway_drive


def routing(bench: Bench) -> None:
    films = [bench.film(doorway_drive, FIRST_SEED + n) for n in range(bench.drives)]
    print(f'\nRouting over {len(films)} drives through a door, 20 frames/s, 10 s\n')
    row('', 'changes, mean (most)', 'largest scale step, median (most)',
        'of it by routing', 'seconds with the other head', 'mean relative error', head=True)
    steady = RoutingConfig()
    cases = [('one head, outdoor', 'outdoor', True), ('one head, indoor', 'indoor', True),
             ('router alone', None, True),
             ('filter, no blend', replace(steady, blend_time=0.0), True),
             ('filter, arithmetic blend', steady, False),
             ('filter, geometric blend (default)', steady, True)]
    cases += [(f'time constant {value} s', replace(steady, time_constant=value), True)
              for value in (0.0, 1.0)]
    cases += [(f'threshold {value}', replace(steady, threshold=value), True)
              for value in (0.5, 0.8)]
    cases += [(f'dwell {value} s', replace(steady, min_dwell=value), True)
              for value in (0.0, 1.0)]
    cases += [(f'blend {value} s', replace(steady, blend_time=value), True)
              for value in (0.25, 1.0)]
    for name, config, geometric in cases:
        row(name, *routing_figures(films, config, geometric))


def routing_figures(
    films: list[list[Shot]], config: RoutingConfig | str | None, geometric: bool,
) -> list[str]:
    changes, steps, routed, other, errors = [], [], [], [], []
    for film in films:
        weights = np.array(list(head_weights(film, config)))
        heads = [DOMAINS[number] for number in weights.argmax(axis=1)]
        depths = [blended(shot.depth_m, pair, geometric)
                  for shot, pair in zip(film, weights, strict=True)]
        scales = [shot.log_scale(depth) for shot, depth in zip(film, depths, strict=True)]
        apart = [shot.log_scale(shot.depth_m[1]) - shot.log_scale(shot.depth_m[0])
                 for shot in film]
        changes.append(sum(a != b for a, b in pairwise(heads)))
        steps.append(np.expm1(np.abs(np.diff(scales)).max()))
        routed.append(np.expm1(np.abs(np.diff(weights[:, 1]) * apart[1:]).max()))
        step_s = film[1].stamp_s - film[0].stamp_s
        other.append(step_s * sum(
            a != shot.domain for a, shot in zip(heads, film, strict=True)))
        errors += [shot.error(depth) for shot, depth in zip(film, depths, strict=True)]
    return [f'{np.mean(changes):.1f} ({max(changes)})',
            f'{np.median(steps):.0%} ({max(steps):.0%})', f'{np.median(routed):.0%}',
            f'{np.mean(other):.2f}', f'{np.mean(errors):.3f}']


def head_weights(
    film: list[Shot], config: RoutingConfig | str | None,
) -> Iterator[tuple[float, ...]]:
    """Yield the weights of a filter, of a domain's head alone, or (None) of the router alone."""
    forced = isinstance(config, str)
    routing = RoutingFilter(
        DOMAINS, None if forced else config, config if forced else 'auto')
    for shot in film:
        probabilities = 1 - shot.outdoor_probability, shot.outdoor_probability
        if config is None:
            yield tuple(np.eye(2)[np.argmax(probabilities)])
        else:
            yield routing.update(shot.stamp_s, probabilities).weights


def blended(depth_m: np.ndarray, weights: np.ndarray, geometric: bool) -> np.ndarray:
    pair = weights[:, None, None]
    return np.exp((np.log(depth_m) * pair).sum(0)) if geometric else (depth_m * pair).sum(0)
