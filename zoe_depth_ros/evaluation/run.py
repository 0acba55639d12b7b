# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An evaluation from end to end: every image of a source once, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from zoe_depth_ros.config import Domain
from zoe_depth_ros.config import DOMAINS
from zoe_depth_ros.datasets.sample import Source
from zoe_depth_ros.errors import DatasetError
from zoe_depth_ros.evaluation.compare import compare
from zoe_depth_ros.evaluation.compare import Comparison
from zoe_depth_ros.evaluation.compare import FrameRow
from zoe_depth_ros.evaluation.options import EvaluationOptions
from zoe_depth_ros.evaluation.tally import DomainReport
from zoe_depth_ros.evaluation.tally import fitting_scale
from zoe_depth_ros.evaluation.tally import Tally
from zoe_depth_ros.inference import DepthEstimator


@dataclass(frozen=True, eq=False)
class EvaluationReport:
    """
    What an evaluation found.

    :param source: what was evaluated on.
    :param options: how.
    :param domains: figures of every domain that has images.
    :param fitting_scale: the one factor on all predictions, before any scaling, that makes the
        median of truth / prediction 1.
    :param rows: figures of every image.
    :param skipped: a sentence for every image that could not be evaluated.
    :param worst: the images with the largest relative error, worst first.
    """

    source: str
    options: EvaluationOptions
    domains: tuple[DomainReport, ...]
    fitting_scale: float
    rows: tuple[FrameRow, ...]
    skipped: tuple[str, ...]
    worst: tuple[Comparison, ...]


def evaluate(
    estimator: DepthEstimator, source: Source, options: EvaluationOptions | None = None,
    on_image: Callable[[], object] = lambda: None,
) -> EvaluationReport:
    """
    Compare the estimator's depth with the truth.

    :param on_image: called after every image.
    :raises DatasetError: an image cannot be evaluated and is not to be skipped, or none can.
    :raises ConfigError: a label asks for a metric head that the model does not have.
    """
    options = options or EvaluationOptions()
    tallies: dict[Domain, Tally] = {}
    rows: list[FrameRow] = []
    skipped: list[str] = []
    worst: list[Comparison] = []
    with _domain_restored(estimator):
        for number in range(len(source)):
            try:
                one = compare(estimator, source[number], options)
            except DatasetError as error:
                if not options.skip_bad:
                    raise
                skipped.append(str(error))
            else:
                rows.append(one.row)
                tallies.setdefault(one.row.domain, Tally()).add(one, number)
                worst = _worst_of([*worst, one], options.worst)
            on_image()
    if not rows:
        reason = f': {skipped[0]}' if skipped else ''
        raise DatasetError(f'{source.name}: no image can be evaluated{reason}')
    return EvaluationReport(
        source.name, options,
        tuple(tallies[domain].report(domain) for domain in DOMAINS if domain in tallies),
        fitting_scale(tallies.values()), tuple(rows), tuple(skipped), tuple(worst))


@contextmanager
def _domain_restored(estimator: DepthEstimator) -> Iterator[None]:
    domain = estimator.config.domain
    try:
        yield
    finally:
        estimator.set_domain(domain)


def _worst_of(comparisons: list[Comparison], count: int) -> list[Comparison]:
    return sorted(comparisons, key=lambda one: one.row.metrics.rel, reverse=True)[:count]
