# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""An evaluation as a text table and as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from datetime import datetime
from datetime import timezone
from typing import Any

from zoe_depth_ros import __version__
from zoe_depth_ros.evaluation.presets import PublishedResult
from zoe_depth_ros.evaluation.run import EvaluationReport
from zoe_depth_ros.evaluation.tally import DomainReport
from zoe_depth_ros.evaluation.uncertainty import Sparsification
from zoe_depth_ros.inference import DepthEstimator

NAME_WIDTH = 12


@dataclass(frozen=True)
class _Column:
    """One column of the table: heading, width, decimals."""

    heading: str
    width: int
    decimals: int = 3


COLUMNS = (
    _Column('images', 7, 0), _Column('router', 8), _Column('d1', 7), _Column('d2', 7),
    _Column('d3', 7), _Column('REL', 7), _Column('RMSE m', 8), _Column('log10', 7),
    _Column('SILog', 7, 2), _Column('SqRel', 8), _Column('RMSElog', 8), _Column('1sigma', 7),
    _Column('2sigma', 7), _Column('sigma x', 8, 2), _Column('AUSE', 7))


def format_table(report: EvaluationReport) -> str:
    """
    Return the figures of every domain as lines of text.

    The last four columns judge the predicted standard deviation: share of errors within one and
    two of it (ideal 0.683 and 0.954), the factor on it that would make the first right, and the
    area under the sparsification error. With a preset the published figures follow.
    """
    lines = ['domain'.ljust(NAME_WIDTH)
             + ''.join(column.heading.rjust(column.width) for column in COLUMNS)]
    lines += [_row(part.domain, _figures(part)) for part in report.domains]
    if report.options.preset:
        lines += [
            f'{_row(result.model, _published_figures(result)).rstrip(" -")}  ({result.source})'
            for result in report.options.preset.published]
    return '\n'.join([*lines, *_remarks(report)])


def as_json(
    reports: Sequence[EvaluationReport], model: str, estimator: DepthEstimator,
) -> dict[str, Any]:
    """
    Return everything there is to know about evaluations of one estimator, as JSON values.

    :param reports: for example before and after scaling.
    :param model: weights as they were named.
    """
    return {
        'package': f'zoe_depth_ros {__version__}',
        'date': datetime.now(timezone.utc).isoformat(timespec='seconds'),
        'model': model,
        'estimator': {
            **asdict(estimator.config), 'device': estimator.device_name,
            'precision': estimator.precision, 'network_size_hw': estimator.network_size_hw},
        'evaluations': [_report_json(report) for report in reports],
    }


def _figures(part: DomainReport) -> dict[str, float]:
    m = part.metrics
    figures = {
        'images': part.images, 'router': part.router_accuracy, 'd1': m.d1, 'd2': m.d2, 'd3': m.d3,
        'REL': m.rel, 'RMSE m': m.rmse, 'log10': m.log10, 'SILog': m.silog, 'SqRel': m.sq_rel,
        'RMSElog': m.rmse_log}
    if part.calibration:
        figures |= {
            '1sigma': part.calibration.coverage_1_sigma,
            '2sigma': part.calibration.coverage_2_sigma, 'sigma x': part.calibration.sigma_factor}
    if part.sparsification:
        figures['AUSE'] = part.sparsification.ause
    return figures


def _published_figures(result: PublishedResult) -> dict[str, float]:
    figures = {'REL': result.rel, 'RMSE m': result.rmse, **result.others}
    return figures if result.d1 is None else {**figures, 'd1': result.d1}


def _row(name: str, figures: dict[str, float]) -> str:
    cells = [
        f'{figures[column.heading]:{column.width}.{column.decimals}f}'
        if column.heading in figures else '-'.rjust(column.width) for column in COLUMNS]
    return name.ljust(NAME_WIDTH) + ''.join(cells)


def _remarks(report: EvaluationReport) -> list[str]:
    options, preset = report.options, report.options.preset
    remarks = []
    if options.median:
        remarks.append('every prediction is multiplied by median truth / median prediction')
    if options.scale != 1:
        remarks.append(f'all predictions are multiplied by {options.scale:.3f}')
    elif not options.median:
        remarks.append(f'one factor on all predictions would be {report.fitting_scale:.3f}')
    if options.route == 'label':
        remarks.append('the data set, not the router, chooses the metric head')
    if options.route == 'mixed':
        remarks.append("all metric heads are mixed by the router's probabilities")
    if preset:
        remarks.append(f'{preset.title} has {preset.images} images')
    if preset and preset.note:
        remarks.append(preset.note)
    if report.skipped:
        remarks.append(f'{len(report.skipped)} images are left out; the first: '
                       f'{report.skipped[0]}')
    return remarks


def _report_json(report: EvaluationReport) -> dict[str, Any]:
    return {
        'source': report.source,
        'options': asdict(report.options),
        'fitting_scale': report.fitting_scale,
        'domains': [_domain_json(part) for part in report.domains],
        'images': [asdict(row) for row in report.rows],
        'skipped': list(report.skipped),
        'worst': [one.row.name for one in report.worst],
    }


def _domain_json(part: DomainReport) -> dict[str, Any]:
    return {
        'domain': part.domain, 'images': part.images, 'router_accuracy': part.router_accuracy,
        'metrics': asdict(part.metrics),
        'calibration': asdict(part.calibration) if part.calibration else None,
        'sparsification': _curve_json(part.sparsification) if part.sparsification else None,
    }


def _curve_json(curve: Sparsification) -> dict[str, Any]:
    return {'ause': curve.ause, 'removed': curve.removed.tolist(), 'error': curve.error.tolist(),
            'oracle': curve.oracle.tolist()}
