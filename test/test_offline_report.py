# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a run tells of itself."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import replace

import cv2
import numpy as np
from offline_helpers import CAMERA
import pytest

from zoe_depth_ros.bag.encode import Stamped
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.inference.frames import PreparedImage
from zoe_depth_ros.offline.cameras import CameraPlan
from zoe_depth_ros.offline.frames import Frame
from zoe_depth_ros.offline.frames import Item
from zoe_depth_ros.offline.histogram import Histogram
from zoe_depth_ros.offline.report import BagReport
from zoe_depth_ros.offline.report import CameraReport
from zoe_depth_ros.offline.report import DomainSpan
from zoe_depth_ros.offline.report import Dropped
from zoe_depth_ros.offline.report import Failure
from zoe_depth_ros.offline.report import from_json
from zoe_depth_ros.offline.report import ImageSample
from zoe_depth_ros.offline.report import merged
from zoe_depth_ros.offline.report import NO_LATENCY
from zoe_depth_ros.offline.report import RunReport
from zoe_depth_ros.offline.report import to_json
from zoe_depth_ros.offline.report import TopicCount
from zoe_depth_ros.offline.report import WorkReport
from zoe_depth_ros.offline.tally import Tally

EDGES = (0.0, 1.0, 10.0)
WORK = WorkReport(
    (TopicCount('/i', 'T', 5, 2, 2), TopicCount('/made', 'T', None, 0, 2)),
    (CameraReport(
        '/i', 2, 1, 1, 0, 1, Histogram(EDGES, (3, 4), 5), (DomainSpan('indoor', 6, 7),)),),
    (Dropped('/i', 'ImageError', 1, 'no JPEG'),), ('cut',),
    (ImageSample('/i', 7, 'indoor', 'aGk='),),
    NO_LATENCY, 4.0, 3.0)


def test_report_histogram_counts_between_its_edges():
    values = np.array([[0.0, 0.5, 1.0], [9.99, 10.0, np.nan], [-1.0, np.inf, 2.0]], np.float32)
    found = Histogram.of(EDGES, values)
    assert found == Histogram(EDGES, (2, 3), 4)
    assert found + found == Histogram(EDGES, (4, 6), 8)


def test_report_histogram_has_quantiles():
    found = Histogram((0.0, 1.0, 10.0, 20.0), (2, 0, 2), 7)
    assert found.quantile(0.25) == 0.5
    assert found.quantile(0.75) == 15.0
    assert np.isnan(Histogram(EDGES, (0, 0), 5).quantile(0.5))


def test_report_survives_json():
    bag = BagReport('b', '/b', 9, {'keep': ['all'], 'batch': 1}, 2, WORK)
    run = RunReport((bag,), (Failure('/c', 'no camera'),))
    assert from_json(RunReport, to_json(run)) == run


def test_report_that_is_none_is_refused():
    for text in ('', '[]', '{"bags": 1}', '{"other": []}'):
        with pytest.raises(BagError, match='no RunReport'):
            from_json(RunReport, text)


def test_report_parts_add_up():
    other = replace(
        WORK, topics=(TopicCount('/i', 'T', 5, 3, 3),),
        dropped=(Dropped('/i', 'ImageError', 2, 'other'), Dropped('/j', 'BagError', 1, 'x')))
    total = merged([WORK, other])
    assert total.topics == (
        TopicCount('/i', 'T', 5, 5, 5), TopicCount('/made', 'T', None, 0, 2))
    assert total.cameras == (CameraReport(
        '/i', 4, 2, 2, 0, 2, Histogram(EDGES, (6, 8), 10), (DomainSpan('indoor', 6, 7),)),)
    assert total.dropped == (
        Dropped('/i', 'ImageError', 3, 'no JPEG'), Dropped('/j', 'BagError', 1, 'x'))
    assert total.problems == ('cut',)
    assert (total.frames, total.estimated, total.wall_s, total.network_s) == (4, 2, 8.0, 6.0)


def test_report_domains_of_parts_are_joined_where_they_are_one():
    spans = [DomainSpan('indoor', 0, 3), DomainSpan('outdoor', 4, 5), DomainSpan('outdoor', 6, 9)]
    camera = WORK.cameras[0]
    total = merged(
        replace(WORK, cameras=(replace(camera, domains=(span,)),)) for span in spans)
    assert total.cameras[0].domains == (spans[0], DomainSpan('outdoor', 4, 9))


def test_report_keeps_few_samples_of_many_parts_evenly():
    parts = [replace(WORK, samples=(ImageSample('/i', n, 'indoor', ''),)) for n in range(100)]
    stamps = [sample.stamp_ns for sample in merged(parts).samples]
    assert stamps == list(range(0, 100, 9))


def test_report_is_whole_only_without_loss():
    bag = BagReport('b', '/b', 9, {}, 1, replace(WORK, dropped=(), problems=()))
    assert RunReport((bag,), ()).is_whole
    for part in ({'dropped': WORK.dropped}, {'problems': WORK.problems}):
        worse = replace(bag, work=replace(bag.work, **part))
        assert not RunReport((worse,), ()).is_whole
    assert not RunReport((bag,), (Failure('/c', 'no'),)).is_whole


def test_report_samples_are_spread_and_show_image_beside_depth():
    plan = CameraPlan('/i', None, 50, '/depth_node')
    tally = Tally([plan], {'/i': 'T'}, {})
    rgb = np.full((48, 80, 3), 200, np.uint8)
    ones = np.ones((48, 80), np.float32)
    for number in range(50):
        depth = DepthMap(ones, ones, 'indoor', 1.0, rgb, CAMERA)
        frame = Frame(Stamped(number, 'eye'), PreparedImage(rgb, None, None), depth)
        tally.passed(Item(BagMessage('/i', 'T', number, b''), 0.0, plan, frame))
    report = tally.report((), wall_s=1.0, network_s=0.5)
    assert [sample.stamp_ns for sample in report.samples] == list(range(0, 50, 8))
    file = np.frombuffer(b64decode(report.samples[0].jpeg_base64), np.uint8)
    picture = cv2.imdecode(file, cv2.IMREAD_COLOR)
    assert picture.shape == (96, 320, 3)
    assert np.allclose(picture[:, :150], 200, atol=3)
    assert picture[:, 170:].std() > 20
    assert report.cameras[0].domains == (DomainSpan('indoor', 0, 49),)
    assert report.cameras[0].depth.counts.count(0) == 29  # all pixels are at one metre
