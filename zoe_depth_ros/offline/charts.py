# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Charts as SVG elements inside a page, coloured by its style sheet."""

from __future__ import annotations

from collections.abc import Sequence
import math
from xml.etree.ElementTree import Element

import numpy as np

from zoe_depth_ros.offline.histogram import Histogram
from zoe_depth_ros.offline.markup import element
from zoe_depth_ros.offline.report import DomainSpan

WIDTH, LEFT, RIGHT, TOP = 480, 44, 40, 12
PLOT_WIDTH = WIDTH - LEFT - RIGHT
BARS_HEIGHT, STRIP_HEIGHT, AXIS_HEIGHT = 120, 22, 20
STEPS = (1, 2, 5)
MOST_TICKS = 8
CLOCK_STEPS_S = (10, 20, 60, 120, 300, 600, 1200, 3600, 7200, 18_000)


def histogram_chart(histogram: Histogram, unit: str, label: str) -> Element:
    """
    Return bars over a logarithmic axis of whole decades.

    :param histogram: of positive values, with something counted.
    :param unit: of its values.
    :param label: what it shows, for those who cannot see it.
    """
    first, last = _decades(histogram)
    total, most = sum(histogram.counts), max(histogram.counts)

    def x(value: float) -> float:
        return LEFT + PLOT_WIDTH * (math.log10(value) - first) / (last - first)

    bars = [
        _bar(
            x(low), x(high), count / most,
            f'{number(low)} to {number(high)} {unit}: {percent(count / total)}')
        for low, high, count in zip(
            histogram.edges[:-1], histogram.edges[1:], histogram.counts, strict=True) if count]
    ticks = [
        (x(step * 10.0 ** decade), number(step * 10.0 ** decade))
        for decade in range(first, last + 1) for step in STEPS
        if 10.0 ** first <= step * 10.0 ** decade <= 10.0 ** last]
    ticks[-1] = (ticks[-1][0], f'{ticks[-1][1]} {unit}')
    top = element('text', percent(most / total), x=LEFT - 6, y=TOP + 4, text_anchor='end')
    return _chart(label, BARS_HEIGHT, [*bars, top], ticks)


def domain_chart(
    spans: Sequence[DomainSpan], start_ns: int, stop_ns: int, label: str,
) -> Element:
    """
    Return a strip whose colour is the domain at each time.

    :param spans: of one camera, in the order of its images.
    :param start_ns: where the strip begins.
    :param stop_ns: where it ends, not before the start.
    :param label: what it shows, for those who cannot see it.
    """
    duration_s = (stop_ns - start_ns) / 1e9 or 1.0  # of a single image

    def x(time_s: float) -> float:
        return LEFT + PLOT_WIDTH * min(max(time_s / duration_s, 0.0), 1.0)

    starts_s = [(span.start_ns - start_ns) / 1e9 for span in spans]
    # A span lasts until the next one.
    ends_s = [*starts_s[1:], (spans[-1].stop_ns - start_ns) / 1e9]
    pieces = [
        _rectangle(
            x(begin_s), x(end_s), TOP, STRIP_HEIGHT, span.domain,
            f'{span.domain} from {clock(begin_s)}')
        for span, begin_s, end_s in zip(spans, starts_s, ends_s, strict=True)]
    ticks = [(x(time_s), clock(time_s)) for time_s in _round_times_s(duration_s)]
    return _chart(label, STRIP_HEIGHT, pieces, ticks)


def clock(time_s: float) -> str:
    """Return a time as '2.5 s', '1:05' or '2:00:05'."""
    if time_s < 60:
        return f'{time_s:.3g} s'
    minutes, seconds = divmod(round(time_s), 60)
    hours, minutes = divmod(minutes, 60)
    return f'{hours}:{minutes:02}:{seconds:02}' if hours else f'{minutes}:{seconds:02}'


def number(value: float) -> str:
    """Return a value in three digits or more: '0.25', '1,890'."""
    return f'{value:.3g}' if value < 1000 else f'{value:,.0f}'


def percent(share: float) -> str:
    """Return a share as '0.5 %' or '12 %'."""
    return f'{100 * share:.{0 if share >= 0.1 or not share else 1}f} %'


def _decades(histogram: Histogram) -> tuple[int, int]:
    """Return the powers of ten around everything that was counted."""
    filled = np.flatnonzero(histogram.counts)
    low, high = histogram.edges[filled[0]], histogram.edges[filled[-1] + 1]
    return math.floor(math.log10(low)), math.ceil(math.log10(high))


def _round_times_s(duration_s: float) -> list[float]:
    decade = 10.0 ** math.floor(math.log10(duration_s / MOST_TICKS))
    steps_s = [decade * step for step in (*STEPS, 10)]
    if duration_s >= 60:
        steps_s = [*CLOCK_STEPS_S, *steps_s]
    step_s = next(step for step in steps_s if duration_s / step <= MOST_TICKS)
    return [count * step_s for count in range(math.floor(duration_s / step_s) + 1)]


def _bar(left: float, right: float, height: float, title: str) -> Element:
    height_px = height * BARS_HEIGHT
    return _rectangle(left, right - 1, TOP + BARS_HEIGHT - height_px, height_px, 'bar', title)


def _rectangle(
    left: float, right: float, top: float, height: float, kind: str, title: str,
) -> Element:
    return element(
        'rect', element('title', title), class_=kind, x=f'{left:.2f}', y=f'{top:.2f}',
        width=f'{max(right - left, 1):.2f}', height=f'{height:.2f}')


def _chart(
    label: str, height: int, content: Sequence[Element], ticks: Sequence[tuple[float, str]],
) -> Element:
    bottom = TOP + height
    axis = [element('line', x1=LEFT, x2=LEFT + PLOT_WIDTH, y1=bottom, y2=bottom)]
    for x, text in ticks:
        axis += [
            element('line', x1=f'{x:.2f}', x2=f'{x:.2f}', y1=bottom, y2=bottom + 4),
            element('text', text, x=f'{x:.2f}', y=bottom + 16, text_anchor='middle')]
    return element(
        'svg', *content, *axis, viewBox=f'0 0 {WIDTH} {bottom + AXIS_HEIGHT}', role='img',
        aria_label=label)
