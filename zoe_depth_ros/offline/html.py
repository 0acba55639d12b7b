# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A run's report as one page that needs nothing but itself."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
import json
from xml.etree.ElementTree import Element

from zoe_depth_ros.offline.charts import clock
from zoe_depth_ros.offline.charts import domain_chart
from zoe_depth_ros.offline.charts import histogram_chart
from zoe_depth_ros.offline.charts import number
from zoe_depth_ros.offline.charts import percent
from zoe_depth_ros.offline.exports import SHOWN_RANGE_M
from zoe_depth_ros.offline.histogram import Histogram
from zoe_depth_ros.offline.markup import document
from zoe_depth_ros.offline.markup import element
from zoe_depth_ros.offline.report import BagReport
from zoe_depth_ros.offline.report import CameraReport
from zoe_depth_ros.offline.report import RunReport
from zoe_depth_ros.offline.report import WorkReport

TITLE = 'Depth for recorded bags'
NOTHING = '–'
STYLE = """
:root { color-scheme: light dark; --page: #fff; --ink: #1c2128; --faint: #5b6570;
  --line: #d9dfe5; --card: #f5f7f9; --bar: #3b6fd4; --indoor: #d98a1f; --outdoor: #3b8fd4;
  --good: #1a7f37; --bad: #b3261e; }
@media (prefers-color-scheme: dark) { :root { --page: #101418; --ink: #e4e9ee;
  --faint: #98a2ad; --line: #323a43; --card: #191f26; --bar: #7ba5f2; --indoor: #eeb35c;
  --outdoor: #63b0ee; --good: #5bd072; --bad: #ff8a80; } }
body { margin: 0 auto; max-width: 66rem; padding: 1.5rem; background: var(--page);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; }
h1 { font-size: 1.6rem; margin: 0; }
h2 { font-size: 1.25rem; margin: 2.5rem 0 .2rem; padding-top: 1rem;
  border-top: 1px solid var(--line); }
h3 { font-size: 1rem; margin: 1.6rem 0 .4rem; }
p { margin: .3rem 0; }
a { color: inherit; }
.faint, figcaption, dt { color: var(--faint); font-size: .87rem; }
.good { color: var(--good); font-weight: 600; }
.bad { color: var(--bad); font-weight: 600; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .6rem;
  margin: 1rem 0; }
dl div { background: var(--card); border-radius: .5rem; padding: .6rem .8rem; }
dd { margin: 0; font-size: 1.2rem; font-weight: 600; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { padding: .3rem .8rem .3rem 0; border-bottom: 1px solid var(--line); text-align: left;
  vertical-align: top; }
th { color: var(--faint); font-size: .87rem; font-weight: 500; }
.number { text-align: right; white-space: nowrap; }
.grid { display: grid; grid-template-columns: repeat(auto-fill, minmax(19rem, 1fr));
  gap: 1rem 1.5rem; }
.charts { grid-template-columns: repeat(auto-fill, minmax(min(27rem, 100%), 1fr)); }
figure { margin: .5rem 0; }
figure img { width: 100%; border-radius: .3rem; display: block; }
svg { display: block; width: 100%; }
svg text { fill: var(--faint); font-size: 11px; }
svg line { stroke: var(--line); }
.bar { fill: var(--bar); }
.indoor { fill: var(--indoor); background: var(--indoor); }
.outdoor { fill: var(--outdoor); background: var(--outdoor); }
.key { display: inline-block; width: .8em; height: .8em; border-radius: .2em; }
pre { background: var(--card); padding: .8rem; border-radius: .5rem; white-space: pre-wrap; }
"""


def to_html(report: RunReport) -> str:
    """Return a page with all of a report, for light and dark screens, without script."""
    head = element(
        'head', element('meta', charset='utf-8'),
        element('meta', name='viewport', content='width=device-width, initial-scale=1'),
        element('title', TITLE), element('style', STYLE))
    bags = [_bag(place, bag) for place, bag in enumerate(report.bags)]
    unfinished = [
        _unfinished(place, bag) for place, bag in enumerate(report.unfinished, len(bags))]
    return document(head, element(
        'body', element('h1', TITLE), _verdict(report), _run_figures(report), *_failures(report),
        *_contents(report), *bags, *unfinished))


def _verdict(report: RunReport) -> Element:
    if report.unfinished:
        return element(
            'p', 'The run was interrupted; the same command goes on where it was.', class_='bad')
    if report.is_whole:
        return element('p', 'Every frame of every bag has depth.', class_='good')
    return element('p', 'Something was damaged or dropped; see below.', class_='bad')


def _run_figures(report: RunReport) -> Element:
    works = [bag.work for bag in (*report.bags, *report.unfinished)]
    return _figures({
        'bags': _of(len(report.bags), len(works) + len(report.failures)),
        'frames with depth': _of(
            sum(work.estimated for work in works), sum(work.frames for work in works)),
        'messages dropped': f'{sum(_dropped(work) for work in works):,}',
        'time': clock(sum(work.wall_s for work in works))})


def _failures(report: RunReport) -> list[Element]:
    if not report.failures:
        return []
    rows: list[list[Element | str]] = [
        [item.source, element('span', item.reason, class_='bad')] for item in report.failures]
    return [element('h3', 'Bags without output'), _table(['bag', 'why'], rows)]


def _contents(report: RunReport) -> list[Element]:
    bags = (*report.bags, *report.unfinished)
    if len(bags) < 2:
        return []
    rows: list[list[Element | str]] = [
        [element('a', bag.name, href=f'#bag{place}'),
         _of(bag.work.estimated, bag.work.frames), f'{_dropped(bag.work):,}',
         clock(bag.work.wall_s), _rate(bag.work), _state(report, bag)]
        for place, bag in enumerate(bags)]
    names = ['bag', 'frames with depth', 'dropped', 'time', 'frames/s', 'state']
    return [element('h3', 'Bags'), _table(names, rows, numbers=range(1, 5))]


def _state(report: RunReport, bag: BagReport) -> Element:
    if bag in report.unfinished:
        return element('span', 'unfinished', class_='bad')
    if bag.is_whole:
        return element('span', 'whole', class_='good')
    return element('span', 'damaged', class_='bad')


def _unfinished(place: int, bag: BagReport) -> Element:
    section = _bag(place, bag)
    section.insert(1, element(
        'p', f'Unfinished; the figures are of its {bag.segments:,} complete files.',
        class_='bad'))
    return section


def _bag(place: int, bag: BagReport) -> Element:
    work = bag.work
    options = json.dumps(bag.config, indent=1, ensure_ascii=False)
    return element(
        'section', element('h2', bag.name, id=f'bag{place}'),
        element('p', f'from {bag.source}, {bag.source_bytes / 1e6:,.1f} MB', class_='faint'),
        _bag_figures(bag), *_losses(work),
        *(part for camera in work.cameras for part in _camera(camera, work)),
        *_latency(work), *_samples(work), element('h3', 'Topics'), _topics(work),
        element(
            'details', element('summary', 'Options', class_='faint'), element('pre', options)))


def _bag_figures(bag: BagReport) -> Element:
    work = bag.work
    share = percent(work.network_s / work.wall_s) if work.wall_s else NOTHING
    return _figures({
        'frames with depth': _of(work.estimated, work.frames),
        'messages dropped': f'{_dropped(work):,}', 'time': clock(work.wall_s),
        'frames/s': _rate(work), 'time in the network': share,
        'files': f'{bag.segments:,}'})


def _losses(work: WorkReport) -> list[Element]:
    found = []
    if work.problems:
        items = [element('li', problem, class_='bad') for problem in work.problems]
        found += [element('h3', 'What is wrong with the bag'), element('ul', *items)]
    if work.dropped:
        rows = [[item.topic, f'{item.count:,}', item.kind, item.example] for item in work.dropped]
        found += [
            element('h3', 'Dropped messages'),
            _table(['topic', 'count', 'kind', 'first reason'], rows, numbers=[1])]
    return found


def _camera(camera: CameraReport, work: WorkReport) -> list[Element]:
    text = f'{_of(camera.estimated, camera.frames)} frames with depth'
    if camera.without_calibration:
        text += f', {camera.without_calibration:,} of them without camera_info and hence points'
    if camera.unscaled:
        text += (f', {camera.unscaled:,} of them while their scale was unknown, last because: '
                 f'{camera.scale_problem}')
    parts = [element('h3', f'Camera {camera.topic}'), element('p', text, class_='faint')]
    charts = []
    if any(camera.depth.counts):
        charts.append(_distribution('depth', camera.depth, 'm', 'pixels unknown or beyond'))
    if camera.domains:
        start_ns, stop_ns = _times_ns(work)
        charts.append(element(
            'figure', _domain_caption(camera),
            domain_chart(camera.domains, start_ns, stop_ns, 'domain over time')))
    return [*parts, element('div', *charts, class_='grid charts')]


def _domain_caption(camera: CameraReport) -> Element:
    changes = len(camera.domains) - 1
    return element(
        'figcaption', 'domain over time: ', element('span', class_='key indoor'),
        f' indoor {camera.indoor:,}, ', element('span', class_='key outdoor'),
        f' outdoor {camera.outdoor:,} frames, {changes:,} change{"s" if changes != 1 else ""}')


def _distribution(name: str, histogram: Histogram, unit: str, others: str) -> Element:
    middle, high = histogram.quantile(0.5), histogram.quantile(0.95)
    total = sum(histogram.counts) + histogram.others
    text = f'{name}: median {number(middle)} {unit}, 95 % below {number(high)} {unit}'
    if histogram.others:
        text += f', {percent(histogram.others / total)} of {others}'
    return element(
        'figure', element('figcaption', text), histogram_chart(histogram, unit, text))


def _latency(work: WorkReport) -> list[Element]:
    if not any(work.latency.counts):
        return []
    return [
        element('h3', 'From reading an image to writing its depth'),
        element(
            'div', _distribution('latency', work.latency, 'ms', 'frames beyond'),
            class_='grid charts')]


def _samples(work: WorkReport) -> list[Element]:
    if not work.samples:
        return []
    start_ns, _ = _times_ns(work)
    scales = ', '.join(
        f'{domain} {near_m:g} to {far_m:g} m' for domain, (near_m, far_m) in SHOWN_RANGE_M.items())
    pictures = []
    for sample in work.samples:
        caption = f'{clock((sample.stamp_ns - start_ns) / 1e9)}, {sample.domain}'
        pictures.append(element(
            'figure', element(
                'img', src=f'data:image/jpeg;base64,{sample.jpeg_base64}',
                alt=f'image beside its depth, {caption}'),
            element('figcaption', caption if len(work.cameras) < 2 else
                    f'{caption}, {sample.topic}')))
    return [
        element('h3', 'Some frames'),
        element('p', f'Depth from red (near) to blue (far): {scales}.', class_='faint'),
        element('div', *pictures, class_='grid')]


def _topics(work: WorkReport) -> Element:
    rows: list[list[Element | str]] = []
    for topic in work.topics:
        recorded = NOTHING if topic.recorded is None else f'{topic.recorded:,}'
        is_made = topic.recorded is None and not topic.read
        read: Element | str = NOTHING if is_made else f'{topic.read:,}'
        if topic.read < (topic.recorded or 0):
            read = element('span', f'{topic.read:,}', class_='bad')
        rows.append([topic.topic, topic.type_name, recorded, read, f'{topic.written:,}'])
    return _table(['topic', 'type', 'recorded', 'read', 'written'], rows, numbers=range(2, 5))


def _table(
    names: Sequence[str], rows: Iterable[Sequence[Element | str]], numbers: Sequence[int] = (),
) -> Element:
    classes = [
        {'class_': 'number'} if column in numbers else {} for column in range(len(names))]
    head = element('tr', *(
        element('th', name, **kind) for name, kind in zip(names, classes, strict=True)))
    body = [
        element('tr', *(element('td', cell, **kind)
                        for cell, kind in zip(row, classes, strict=True))) for row in rows]
    return element(
        'div', element('table', element('thead', head), element('tbody', *body)), class_='wide')


def _figures(values: dict[str, str]) -> Element:
    return element('dl', *(
        element('div', element('dt', name), element('dd', value))
        for name, value in values.items()))


def _times_ns(work: WorkReport) -> tuple[int, int]:
    spans = [span for camera in work.cameras for span in camera.domains]
    return (
        min((span.start_ns for span in spans), default=0),
        max((span.stop_ns for span in spans), default=0))


def _dropped(work: WorkReport) -> int:
    return sum(item.count for item in work.dropped)


def _of(part: int, whole: int) -> str:
    return f'{part:,} of {whole:,}'


def _rate(work: WorkReport) -> str:
    return f'{work.estimated / work.wall_s:.1f}' if work.wall_s else NOTHING
