# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Routing over time: one camera's metric head changes once at a door, not with every doubt."""

from __future__ import annotations

from collections.abc import Sequence
import math

from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.inference.routing import Routing
from zoe_depth_ros.options import RoutingConfig

# Routers are trained to certainty: a single frame shall not outweigh seconds of others.
MAX_LOG_ODDS = 4.0
LARGEST_DISORDER_S = 1.0


class RoutingFilter:
    """
    Routes the frames of one camera.

    The log-odds of each head against the others are averaged exponentially in time, so that the
    frame rate does not matter. Time that jumps back by more than a second starts anew, as when a
    bag is played again; a lock outlasts that. After a long gap the newest frame counts for nearly
    everything.

    :param domains: domain of each head of the network.
    :param config: time constants and threshold.
    :param domain: 'auto': follow the router; 'lock': keep its first settled verdict; 'indoor',
        'outdoor': always that metric head.
    :raises ConfigError: no head has the domain that is asked for.
    """

    def __init__(
        self, domains: Sequence[str], config: RoutingConfig | None = None, domain: str = 'auto',
    ) -> None:
        self._domains = tuple(domains)
        self.reset()
        self.configure(config or RoutingConfig(), domain)

    def configure(self, config: RoutingConfig, domain: str = 'auto') -> None:
        """
        Change the options; leaving the domain 'lock' opens the lock.

        :raises ConfigError: no head has the domain that is asked for.
        """
        if domain in ('indoor', 'outdoor') and domain not in self._domains:
            raise ConfigError(
                f'domain = {domain!r}: this model has only {", ".join(self._domains)}')
        self.config, self._domain = config, domain
        if domain != 'lock':
            self._locked = False

    def reset(self) -> None:
        """Forget everything, the lock too."""
        self._locked = False
        self._head = 0
        self._stamp_s: float | None = None
        self._belief: list[float] = []
        self._weights: list[float] = []

    def update(self, stamp_s: float, probabilities: Sequence[float]) -> Routing:
        """
        Return the verdict on the next frame.

        :param stamp_s: of the frame.
        :param probabilities: of every head, by the router.
        :raises ConfigError: not one probability for each head.
        """
        if len(probabilities) != len(self._domains):
            raise ConfigError(
                f'{len(probabilities)} probabilities for {len(self._domains)} heads')
        evidence = [_log_odds(probability) for probability in probabilities]
        if self._stamp_s is None or stamp_s < self._stamp_s - LARGEST_DISORDER_S:
            self._start(stamp_s, evidence)
            self._stamp_s = stamp_s
        step_s = max(0.0, stamp_s - self._stamp_s)
        self._stamp_s = stamp_s = self._stamp_s + step_s
        share = _share(step_s, self.config.time_constant)
        self._belief = [
            old + share * (new - old) for old, new in zip(self._belief, evidence, strict=True)]
        self._decide(stamp_s)
        self._blend(step_s)
        return Routing(
            self._head, self._domains[self._head], self._probability(self._head),
            tuple(self._weights), stamp_s - self._changed_s)

    def _start(self, stamp_s: float, evidence: list[float]) -> None:
        self._changed_s = stamp_s
        self._belief = evidence
        self._settled = self._locked
        if not self._locked:
            self._head = self._wanted_head(_greatest(evidence))
        self._weights = self._only(self._head)

    def _wanted_head(self, routed: int) -> int:
        """Return the head of the domain that is asked for, or the routed one."""
        forced = self._domain in ('indoor', 'outdoor')
        return self._domains.index(self._domain) if forced else routed

    def _decide(self, stamp_s: float) -> None:
        """Change the verdict if it must; a first, unsettled one needs no dwell."""
        best = _greatest(self._belief)
        is_sure = self._probability(best) >= self.config.threshold
        dwelt = not self._settled or stamp_s - self._changed_s >= self.config.min_dwell
        routed = best if is_sure and dwelt and not self._locked else self._head
        wanted = self._wanted_head(routed)
        if wanted != self._head:
            self._head, self._changed_s = wanted, stamp_s
        self._settled |= is_sure and best == wanted
        has_stood = stamp_s - self._changed_s >= self.config.min_dwell
        self._locked |= self._domain == 'lock' and self._settled and has_stood

    def _blend(self, step_s: float) -> None:
        """Move the weights towards the verdict's head, no faster than `blend_time` allows."""
        target = self._only(self._head)
        left = max(abs(new - old) for old, new in zip(self._weights, target, strict=True))
        pace = step_s / self.config.blend_time if self.config.blend_time else math.inf
        share = min(1.0, pace / left) if left else 1.0
        self._weights = [
            old + share * (new - old) for old, new in zip(self._weights, target, strict=True)]

    def _only(self, head: int) -> list[float]:
        """Return the weights that leave everything to one head."""
        return [float(number == head) for number in range(len(self._domains))]

    def _probability(self, head: int) -> float:
        if len(self._domains) == 1:
            return 1.0
        return 1 / (1 + math.exp(-self._belief[head]))


def _log_odds(probability: float) -> float:
    """Return the log-odds of a head against the others, bounded; NaN tells nothing."""
    if math.isnan(probability):
        return 0.0
    p = min(max(probability, 1e-9), 1 - 1e-9)
    return min(max(math.log(p / (1 - p)), -MAX_LOG_ODDS), MAX_LOG_ODDS)


def _greatest(values: Sequence[float]) -> int:
    """Return where the first greatest value is."""
    return max(range(len(values)), key=values.__getitem__)


def _share(step_s: float, time_constant_s: float) -> float:
    """Return the weight of the newest of two values step_s apart in an exponential average."""
    return 1 - math.exp(-step_s / time_constant_s) if time_constant_s else 1.0
