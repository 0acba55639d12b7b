# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The figures of a demo, as a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from zoe_depth_ros.demo.judge import FrameResult
from zoe_depth_ros.demo.live import LiveRun
from zoe_depth_ros.metrics import DepthMetrics
from zoe_depth_ros.metrics import mean_metrics


@dataclass(frozen=True)
class DomainFigures:
    """
    The depth images of one domain.

    :param domain: where the camera was, or where unknown, what the images were routed to.
    :param frames: how many.
    :param routed_right: share of them that was routed to this domain, None where unknown.
    :param metrics: mean over the frames that have true depth, None if none has.
    """

    domain: str
    frames: int
    routed_right: float | None
    metrics: DepthMetrics | None


@dataclass(frozen=True)
class DemoReport:
    """
    What came out of a demo.

    :param frames_in: images published.
    :param frames_out: depth images received.
    :param fps_in: images a second, 0 below two.
    :param fps_out: depth images a second, 0 below two.
    :param latency_p50_s: median seconds from an image to its depth, NaN without depth.
    :param latency_p99_s: 99th percentile of it.
    :param switches: how often the routed domain changed from one depth image to the next.
    :param domains: figures of every domain.
    :param exit_code: of the node; 0 is a clean end.
    """

    frames_in: int
    frames_out: int
    fps_in: float
    fps_out: float
    latency_p50_s: float
    latency_p99_s: float
    switches: int
    domains: tuple[DomainFigures, ...]
    exit_code: int


def make_report(live: LiveRun, results: Sequence[FrameResult]) -> DemoReport:
    """Sum up a run and the results of its frames."""
    latencies_s = live.latencies_s or (float('nan'),)
    p50_s, p99_s = np.percentile(latencies_s, (50, 99))
    routed = [result.domain for result in results]
    switches = sum(one != other for one, other in pairwise(routed))
    names = sorted({result.true_domain or result.domain for result in results})
    return DemoReport(
        len(live.sent_ns), len(live.received_ns), _fps(live.sent_ns), _fps(live.received_ns),
        float(p50_s), float(p99_s), switches,
        tuple(_domain_figures(name, results) for name in names), live.exit_code)


def format_report(report: DemoReport) -> str:
    """Return the report as lines of text."""
    dropped = report.frames_in - report.frames_out
    facts = [
        ('frames in / out / dropped', f'{report.frames_in} / {report.frames_out} / {dropped}'),
        ('frames a second in / out', f'{report.fps_in:.1f} / {report.fps_out:.1f}'),
        ('latency p50 / p99',
         f'{report.latency_p50_s * 1e3:.0f} / {report.latency_p99_s * 1e3:.0f} ms'),
        ('domain switches', str(report.switches)),
        ('exit code of the node', str(report.exit_code)),
    ]
    rows = [('domain', 'frames', 'routed right', 'REL', 'd1')]
    rows += [
        (figures.domain, str(figures.frames), _percent(figures.routed_right),
         f'{figures.metrics.rel:.3f}' if figures.metrics else '-',
         f'{figures.metrics.d1:.3f}' if figures.metrics else '-')
        for figures in report.domains]
    lines = [f'{name:<26}{value}' for name, value in facts]
    lines += ['', *(f'{row[0]:<12}{row[1]:>8}{row[2]:>14}{row[3]:>8}{row[4]:>8}' for row in rows)]
    return '\n'.join(lines)


def _domain_figures(name: str, results: Sequence[FrameResult]) -> DomainFigures:
    own = [result for result in results if (result.true_domain or result.domain) == name]
    known = [result.domain == name for result in own if result.true_domain is not None]
    measured = [result.metrics for result in own if result.metrics is not None]
    return DomainFigures(
        name, len(own), sum(known) / len(known) if known else None,
        mean_metrics(measured) if measured else None)


def _fps(times_ns: Sequence[int]) -> float:
    if len(times_ns) < 2:
        return 0.0
    return (len(times_ns) - 1) * 1e9 / (max(times_ns) - min(times_ns))


def _percent(share: float | None) -> str:
    return '-' if share is None else f'{100 * share:.1f} %'
