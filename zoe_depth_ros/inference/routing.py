# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which metric head an image gets, and what its domain is called."""

from __future__ import annotations

from dataclasses import dataclass

from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.errors import ConfigError


@dataclass(frozen=True)
class Routing:
    """
    How one image is routed.

    :param head: number of the metric head.
    :param domain: of that head, 'indoor' or 'outdoor'.
    :param probability: of that domain, by the router; 1 for a network with one head.
    :param weights: of each head in the image's depth, adding up to 1; one of them is 1 except
        while one head takes over from another.
    :param since_change_s: time since the verdict last changed, or since the start; None where
        images are routed one by one.
    """

    head: int
    domain: str
    probability: float
    weights: tuple[float, ...]
    since_change_s: float | None = None


def forced_head(model: ModelConfig, domain: str) -> int | None:
    """
    Return the head that serves a domain, None for 'auto' and 'lock'.

    :raises ConfigError: the network has no head for it.
    """
    if domain in ('auto', 'lock'):
        return None
    domains = [head.domain for head in model.heads]
    if domain not in domains:
        raise ConfigError(f'domain = {domain!r}: this model has only {", ".join(domains)}')
    return domains.index(domain)


def routings_of(
    model: ModelConfig, heads: list[int], probabilities: list[list[float]],
) -> list[Routing]:
    """
    Name the domains of a batch.

    :param heads: the head each image got.
    :param probabilities: of every head, for each image.
    """
    return [
        Routing(
            head, model.heads[head].domain, row[head],
            tuple(float(number == head) for number in range(len(row))))
        for head, row in zip(heads, probabilities, strict=True)]
