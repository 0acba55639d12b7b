# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The report of a run as a page."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from html.parser import HTMLParser

import cv2
import numpy as np
from offline_helpers import bag_of
from offline_helpers import make
from offline_helpers import recording
import pytest

from zoe_depth_ros.offline.charts import clock
from zoe_depth_ros.offline.charts import domain_chart
from zoe_depth_ros.offline.charts import histogram_chart
from zoe_depth_ros.offline.charts import number
from zoe_depth_ros.offline.charts import percent
from zoe_depth_ros.offline.histogram import Histogram
from zoe_depth_ros.offline.html import to_html
from zoe_depth_ros.offline.report import BagReport
from zoe_depth_ros.offline.report import CameraReport
from zoe_depth_ros.offline.report import DEPTH_EDGES_M
from zoe_depth_ros.offline.report import DomainSpan
from zoe_depth_ros.offline.report import Dropped
from zoe_depth_ros.offline.report import Failure
from zoe_depth_ros.offline.report import ImageSample
from zoe_depth_ros.offline.report import LATENCY_EDGES_MS
from zoe_depth_ros.offline.report import RunReport
from zoe_depth_ros.offline.report import TopicCount
from zoe_depth_ros.offline.report import WorkReport

SECOND = 10**9
VOID = {'img', 'meta'}
LINKS = {'src', 'href', 'data', 'action', 'poster', 'srcset'}
WORK = WorkReport(
    (TopicCount('/i', 'T', 5, 4, 3), TopicCount('/made', 'T', None, 0, 3)),
    (CameraReport(
        '/i', 4, 3, 2, 1, 1, Histogram.of(DEPTH_EDGES_M, [1.5, 1.5, 3.0, np.nan]),
        (DomainSpan('indoor', 10 * SECOND, 11 * SECOND), DomainSpan('outdoor', 12 * SECOND,
                                                                    12 * SECOND))),),
    (Dropped('/i', 'ImageError', 1, 'no JPEG'),), ('cut short',),
    (ImageSample('/i', 12 * SECOND, 'outdoor', 'aGk='),),
    Histogram.of(LATENCY_EDGES_MS, [150.0] * 3), 4.0, 3.0)
BAG = BagReport('my_bag', '/in/my_bag', 2_500_000, {'keep': ['all']}, 2, WORK)
WHOLE = replace(BAG, work=replace(WORK, dropped=(), problems=()))


class Page(HTMLParser):
    """Reads a page and insists on every element being closed where it should be."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags, self.links, self.lines, self._open = [], [], [], []
        self.feed(text)
        self.close()
        assert not self._open

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.links += [value for name, value in attributes if name in LINKS]
        assert not [name for name, _ in attributes if name.startswith('on')]
        if tag not in VOID:
            self._open.append(tag)

    def handle_endtag(self, tag):
        assert self._open.pop() == tag

    def handle_data(self, data):
        if self._open and self._open[-1] != 'style':
            self.lines.append(data.strip())

    @property
    def text(self) -> str:
        return ' '.join(self.lines)


def row_of(page: Page, first: str, length: int) -> list[str]:
    """Return the cells of the last table row that begins with a text."""
    lines = [line for line in page.lines if line]
    start = len(lines) - 1 - lines[::-1].index(first)
    return lines[start:start + length]


def rectangles(chart, kind: str) -> list[dict[str, float]]:
    return [{name: float(item.get(name)) for name in ('x', 'width', 'height')}
            for item in chart.iter('rect') if item.get('class') == kind]


def test_html_needs_nothing_but_itself():
    page = Page(to_html(RunReport((BAG, BAG), (Failure('/c', 'no camera'),))))
    assert not {'script', 'link', 'iframe', 'object', 'embed', 'base'} & set(page.tags)
    assert all(link.startswith(('data:image/jpeg;base64,', '#')) for link in page.links)
    assert 'url(' not in to_html(RunReport((BAG,), ()))


def test_html_tells_what_was_lost_and_why():
    page = Page(to_html(RunReport((BAG,), (Failure('/c', 'bag has no camera'),))))
    assert 'Something was damaged or dropped' in page.text
    assert row_of(page, '/c', 2) == ['/c', 'bag has no camera']
    assert 'cut short' in page.text
    assert '/i 1 ImageError no JPEG' in page.text
    assert row_of(page, '/i', 5) == ['/i', 'T', '5', '4', '3']
    assert row_of(page, '/made', 5) == ['/made', 'T', '–', '–', '3']
    assert '3 of 4 frames with depth, 1 of them without camera_info' in page.text


def test_html_of_a_whole_run_says_so():
    page = Page(to_html(RunReport((WHOLE,), ())))
    assert 'Every frame of every bag has depth.' in page.text
    assert 'Dropped messages' not in page.text
    assert 'Bags without output' not in page.text


def test_html_has_figures_of_a_bag():
    text = Page(to_html(RunReport((WHOLE,), ()))).text
    assert 'from /in/my_bag, 2.5 MB' in text
    assert 'frames/s 0.8' in text
    assert 'time in the network 75 %' in text
    assert '25 % of pixels unknown or beyond' in text
    assert 'indoor 2, outdoor 1 frames, 1 change' in text
    assert '2 s, outdoor' in text  # the sample, since the first frame


def test_html_links_every_bag_of_several():
    page = Page(to_html(RunReport((BAG, replace(WHOLE, name='other')), ())))
    assert [link for link in page.links if link.startswith('#')] == ['#bag0', '#bag1']
    assert page.lines.count('whole') == page.lines.count('damaged') == 1


def test_html_of_an_interrupted_run_shows_what_is_complete():
    begun = replace(BAG, name='begun', segments=1)
    empty = replace(BAG, name='not_begun', segments=0, work=WorkReport())
    page = Page(to_html(RunReport((WHOLE,), (), (begun, empty))))
    assert 'The run was interrupted; the same command goes on where it was.' in page.text
    assert 'bags 1 of 3' in page.text
    assert 'frames with depth 6 of 8' in page.text
    assert 'begun 3 of 4 1 4 s 0.8 unfinished' in page.text
    assert 'not_begun 0 of 0 0 0 s – unfinished' in page.text
    assert 'begun Unfinished; the figures are of its 1 complete files. from' in page.text


def test_html_of_nothing_is_a_page():
    empty = replace(BAG, work=WorkReport())
    assert 'bags 1 of 1' in Page(to_html(RunReport((empty,), ()))).text
    assert 'bags 0 of 0' in Page(to_html(RunReport((), ()))).text


def test_html_escapes_what_comes_from_a_bag():
    name, shown = '<script>"&\x00\ud800\u202e\n\u3000', '<script>"&\ufffd\ufffd\ufffd'
    camera = replace(
        WORK.cameras[0], topic=name, domains=(DomainSpan(name, 0, 1), DomainSpan('a', 2, 3)))
    work = replace(
        WORK, topics=(TopicCount(name, name, 5, 4, 3),), cameras=(camera, camera),
        dropped=(Dropped(name, name, 1, name),), problems=(name,),
        samples=(ImageSample(name, 7, name, '">'),))
    bag = BagReport(name, name, 9, {name: name}, 1, work)
    text = to_html(RunReport((bag, bag), (Failure(name, name),)))
    page = Page(text)
    assert 'script' not in page.tags
    text.encode()
    assert page.lines.count(shown) == 2 * (2 + 2 + 3 + 1) + 2


def test_html_chart_bars_are_as_high_as_their_counts():
    chart = histogram_chart(Histogram((1.0, 2.0, 5.0, 10.0), (1, 0, 3), 9), 'm', 'depth')
    low, high = rectangles(chart, 'bar')
    assert low['height'] == pytest.approx(high['height'] / 3)
    assert low['width'] == pytest.approx(high['width'], abs=0.1)  # octaves
    ticks = [item.text for item in chart.iter('text')]
    assert ticks == ['75 %', '1', '2', '5', '10 m']


def test_html_chart_of_domains_is_to_scale():
    spans = [DomainSpan('indoor', 10 * SECOND, 11 * SECOND),
             DomainSpan('outdoor', 13 * SECOND, 14 * SECOND)]
    chart = domain_chart(spans, 10 * SECOND, 20 * SECOND, 'domain')
    indoor, = rectangles(chart, 'indoor')
    outdoor, = rectangles(chart, 'outdoor')
    assert indoor['x'] + indoor['width'] == pytest.approx(outdoor['x'], abs=0.02)
    assert indoor['width'] == pytest.approx(3 * outdoor['width'], abs=0.05)
    assert [item.text for item in chart.iter('text')] == [
        '0 s', '2 s', '4 s', '6 s', '8 s', '10 s']


@pytest.mark.parametrize(('duration_s', 'last'), [
    (0.0, '1 s'), (0.035, '0.035 s'), (59.0, '50 s'), (600.0, '10:00'), (7300.0, '2:00:00'),
    (86_400.0, '20:00:00'), (1.7e9, '416666:40:00')])
def test_html_chart_of_domains_has_round_times(duration_s, last):
    stop_ns = round(duration_s * SECOND)
    chart = domain_chart([DomainSpan('indoor', 0, stop_ns)], 0, stop_ns, 'domain')
    texts = [item.text for item in chart.iter('text')]
    assert len(texts) <= 9
    assert texts[-1] == last


def test_html_writes_numbers_for_people():
    assert [number(value) for value in (0.12589, 5.0, 999.0, 1892.6)] == [
        '0.126', '5', '999', '1,893']
    assert [percent(value) for value in (0.0, 0.005, 0.12, 1.0)] == [
        '0 %', '0.5 %', '12 %', '100 %']
    assert [clock(value) for value in (2.5, 59.0, 65.4, 7205.0)] == [
        '2.5 s', '59 s', '1:05', '2:00:05']


@pytest.mark.usefixtures('one_thread')
def test_html_lies_beside_the_report_and_shows_frames(weights, tmp_path):
    report = make(weights, bag_of(tmp_path / 'b', recording(2)), output=tmp_path / 'o')
    text = (tmp_path / 'o' / 'report.html').read_text()
    assert text == to_html(report)
    pictures = [link.partition(',')[2] for link in Page(text).links]
    assert len(pictures) == 2
    for picture in pictures:
        pixels = cv2.imdecode(np.frombuffer(b64decode(picture), np.uint8), cv2.IMREAD_COLOR)
        assert pixels.shape == (96, 320, 3)
