# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Which metric head an image gets, and what its domain is called."""

from __future__ import annotations

from dataclasses import dataclass

from zoe_depth_ros.config import ModelConfig
from zoe_depth_ros.errors import ConfigError


@dataclass(frozen=True)
class Verdict:
    """
    The domain of one image.

    :param head: number of the metric head.
    :param domain: 'indoor' or 'outdoor'.
    :param probability: of that domain, by the router; 1 for a network with one head.
    """

    head: int
    domain: str
    probability: float


def forced_head(model: ModelConfig, domain: str) -> int | None:
    """
    Return the head that serves a domain, None for 'auto'.

    :raises ConfigError: the network has no head for it.
    """
    if domain == 'auto':
        return None
    domains = [head.domain for head in model.heads]
    if domain not in domains:
        raise ConfigError(f'domain = {domain!r}: this model has only {", ".join(domains)}')
    return domains.index(domain)


def verdicts(
    model: ModelConfig, heads: list[int], probabilities: list[list[float]],
) -> list[Verdict]:
    """
    Name the domains of a batch.

    :param heads: the head each image got.
    :param probabilities: of every head, for each image.
    """
    return [
        Verdict(head, model.heads[head].domain, row[head])
        for head, row in zip(heads, probabilities, strict=True)]
