# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the demo makes of a recording: figures, tables, pictures, files."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bag_helpers import bag_of
from bag_helpers import CAMERA
from bag_helpers import HEADER
from bag_helpers import rgb
from bag_helpers import rgb_message
import cv2
import numpy as np
import pytest

from zoe_depth_ros.bag.decode import Scene
from zoe_depth_ros.bag.drive import SCENE_TRUTH_TOPIC
from zoe_depth_ros.bag.encode import cloud_message
from zoe_depth_ros.bag.encode import image_message
from zoe_depth_ros.bag.encode import scene_message
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.bag.reader import BagTopic
from zoe_depth_ros.demo.folder import OutputFolder
from zoe_depth_ros.demo.judge import FrameResult
from zoe_depth_ros.demo.judge import judge_recording
from zoe_depth_ros.demo.judge import with_truth
from zoe_depth_ros.demo.live import DEPTH_TOPIC
from zoe_depth_ros.demo.live import IMAGE_TOPIC
from zoe_depth_ros.demo.live import LiveRun
from zoe_depth_ros.demo.live import POINTS_TOPIC
from zoe_depth_ros.demo.live import SCENE_TOPIC
from zoe_depth_ros.demo.panels import depth_scale
from zoe_depth_ros.demo.pictures import paint_clouds
from zoe_depth_ros.demo.pictures import paint_preview
from zoe_depth_ros.demo.report import format_report
from zoe_depth_ros.demo.report import make_report
from zoe_depth_ros.demo.run import DemoOptions
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.geometry import point_cloud

TRUTH = BagTopic('/truth', 'sensor_msgs/msg/Image', 1)


def depth_at(topic: str, number: int, depth_m: float) -> BagMessage:
    plane = np.full((6, 8), depth_m, np.float32)
    return image_message(topic, plane, '32FC1', at(number))


def at(number: int):
    return replace(HEADER, stamp_ns=HEADER.stamp_ns + number * 10**9)


def recorded(path: Path, domains: list[str], depth_m: float) -> Path:
    """Return the recording of a node that sees one depth everywhere."""
    messages = []
    for number, domain in enumerate(domains):
        messages += [
            rgb_message(IMAGE_TOPIC, at(number)), depth_at(DEPTH_TOPIC, number, depth_m),
            scene_message(SCENE_TOPIC, Scene(domain, 0.9), at(number))]
    return bag_of(path, *messages)


def result(domain: str, true_domain: str | None = None, number: int = 0) -> FrameResult:
    return FrameResult(number, domain, 0.9, true_domain, None)


def run_of(frames_in: int, latencies_s: list[float]) -> LiveRun:
    sent = tuple(number * 10**8 for number in range(frames_in))
    received = tuple(number * 2 * 10**8 for number in range(len(latencies_s)))
    return LiveRun(sent, received, tuple(latencies_s), 0)


# Judging

def test_messages_meet_the_truth_of_their_own_stamp():
    depths = [depth_at('/d', number, 1.0) for number in (1, 3, 4, 6)]
    truths = [depth_at('/t', number, 1.0) for number in (0, 1, 2, 3, 5, 6)]
    pairs = list(with_truth(depths, iter(truths)))
    assert [one for one, _ in pairs] == depths
    assert [truth and truths.index(truth) for _, truth in pairs] == [1, 3, None, 5]
    assert [truth for _, truth in with_truth(depths, iter(()))] == [None] * 4


def test_depth_a_tenth_too_far_has_a_rel_of_a_tenth(tmp_path):
    recording = recorded(tmp_path / 'recording', ['indoor', 'indoor'], 2.2)
    source = bag_of(
        tmp_path / 'source', depth_at('/truth', 0, 2.0), depth_at('/truth', 1, 2.0),
        scene_message(SCENE_TRUTH_TOPIC, Scene('outdoor', 1.0), at(1)))
    with BagReader(source) as bag:
        first, second = judge_recording(recording, bag, TRUTH)
    assert first.metrics.rel == pytest.approx(0.1, abs=1e-6)
    assert first.metrics.d1 == 1.0
    assert (first.domain, first.probability, first.true_domain) == ('indoor', 0.9, None)
    assert second.true_domain == 'outdoor'


def test_unknown_depth_counts_as_the_end_of_the_true_domains_range(tmp_path):
    recording = recorded(tmp_path / 'recording', ['indoor', 'indoor'], np.nan)
    source = bag_of(
        tmp_path / 'source', depth_at('/truth', 0, 5.0), depth_at('/truth', 1, 5.0),
        scene_message(SCENE_TRUTH_TOPIC, Scene('outdoor', 1.0), at(1)))
    with BagReader(source) as bag:
        results = judge_recording(recording, bag, TRUTH)
    assert [item.metrics.rel for item in results] == pytest.approx([1.0, 15.0])


def test_frame_without_truth_in_range_has_no_metrics(tmp_path):
    recording = recorded(tmp_path / 'recording', ['indoor'], 5.0)
    source = bag_of(tmp_path / 'source', depth_at('/truth', 0, 50.0))
    with BagReader(source) as bag:
        assert judge_recording(recording, bag, TRUTH)[0].metrics is None
        assert judge_recording(recording, bag, None)[0].metrics is None


def test_recording_of_nothing_has_no_results(tmp_path):
    source = bag_of(tmp_path / 'source', depth_at('/truth', 0, 50.0))
    with BagReader(source) as bag:
        assert judge_recording(bag_of(tmp_path / 'empty'), bag, TRUTH) == []


# Reporting

def test_report_counts_drops_rates_and_latencies():
    latencies_s = [0.1] * 98 + [0.3, 0.5]
    report = make_report(run_of(301, latencies_s), [])
    assert (report.frames_in, report.frames_out) == (301, 100)
    assert (report.fps_in, report.fps_out) == pytest.approx((10.0, 5.0))
    assert report.latency_p50_s == pytest.approx(0.1)
    assert report.latency_p99_s == pytest.approx(np.percentile(latencies_s, 99))
    text = format_report(report)
    assert '301 / 100 / 201' in text
    assert '10.0 / 5.0' in text


def test_report_tells_how_many_were_routed_right():
    truth = ['indoor'] * 4 + ['outdoor'] * 2
    routed = ['indoor', 'outdoor', 'indoor', 'indoor', 'outdoor', 'outdoor']
    report = make_report(run_of(6, [0.1] * 6), list(map(result, routed, truth)))
    indoor, outdoor = report.domains
    assert (indoor.domain, indoor.frames, indoor.routed_right) == ('indoor', 4, 0.75)
    assert (outdoor.domain, outdoor.frames, outdoor.routed_right) == ('outdoor', 2, 1.0)
    assert report.switches == 3
    assert '75.0 %' in format_report(report)


def test_report_without_truth_counts_what_was_routed_where():
    report = make_report(run_of(3, [0.1] * 3), [result('outdoor')] * 3)
    assert [(item.domain, item.frames) for item in report.domains] == [('outdoor', 3)]
    assert report.domains[0].routed_right is None
    assert format_report(report).splitlines()[-1].split() == ['outdoor', '3', '-', '-', '-']


def test_report_of_a_node_that_sent_nothing_is_possible():
    report = make_report(run_of(1, []), [])
    assert (report.frames_out, report.fps_in, report.fps_out) == (0, 0.0, 0.0)
    assert '1 / 0 / 1' in format_report(report)


# Pictures

def preview(tmp_path: Path, depth_m: float, with_true_depth: bool) -> np.ndarray:
    recording = recorded(tmp_path / 'recording', ['indoor'] * 3, depth_m)
    source = bag_of(tmp_path / 'source', *(depth_at('/truth', n, 2.0) for n in range(3)))
    with BagReader(source) as bag:
        truth = TRUTH if with_true_depth else None
        results = judge_recording(recording, bag, truth)
        paint_preview(recording, bag, truth, results, tmp_path / 'preview.png')
    return cv2.imread(str(tmp_path / 'preview.png'))[..., ::-1]


def test_preview_shows_a_row_a_moment_and_a_column_more_with_truth(tmp_path):
    (tmp_path / 'a').mkdir()
    with_truth = preview(tmp_path, 2.0, with_true_depth=True)
    without = preview(tmp_path / 'a', 2.0, with_true_depth=False)
    assert with_truth.shape == (3 * 270 + 2 * 6, 3 * 360 + 3 * 6 + 84, 3)
    assert without.shape == (3 * 270 + 2 * 6, 2 * 360 + 2 * 6 + 84, 3)
    assert np.array_equal(without[:, :300], with_truth[:, :300])


def test_preview_shows_the_image_and_both_depths_in_the_same_colours(tmp_path):
    picture = preview(tmp_path, 2.0, with_true_depth=True).astype(int)
    shown = cv2.resize(rgb(), (360, 270), interpolation=cv2.INTER_AREA)
    assert np.array_equal(picture[100:250, :360], shown[100:250])
    estimated, true = picture[100:250, 366:726], picture[100:250, 732:1092]
    assert np.array_equal(estimated, true)


def test_preview_shows_wrong_depth_in_another_colour(tmp_path):
    picture = preview(tmp_path, 3.0, with_true_depth=True).astype(int)
    assert np.abs(picture[200, 500] - picture[200, 900]).max() > 60


def test_depth_scale_goes_from_red_near_below_to_blue_far_above():
    red, _, blue = depth_scale(1.0, 8.0, 200)[[20, 180], 5].T.astype(int)
    assert red[1] > 2 * blue[1]
    assert blue[0] > 2 * red[0]


def test_cloud_picture_is_left_out_where_the_node_knew_no_camera(tmp_path):
    recording = recorded(tmp_path / 'recording', ['indoor'], 2.0)
    paint_clouds(recording, [result('indoor', number=HEADER.stamp_ns)], tmp_path / 'cloud.png')
    assert not (tmp_path / 'cloud.png').exists()


def test_cloud_picture_is_of_images_that_have_a_cloud(tmp_path):
    cloud = point_cloud(np.ones((6, 8), np.float32), rgb(), CAMERA)
    recording = bag_of(tmp_path / 'recording', *(
        cloud_message(POINTS_TOPIC, cloud, at(number)) for number in (0, 4)))
    results = [result('indoor', number=at(number).stamp_ns) for number in range(5)]
    paint_clouds(recording, results, tmp_path / 'cloud.png')
    assert cv2.imread(str(tmp_path / 'cloud.png')) is not None


# Files

def test_output_folder_replaces_what_an_earlier_demo_wrote(tmp_path):
    for text in ('old', 'new'):
        folder = OutputFolder(tmp_path / 'out')
        folder.claim('file').write_text(text)
        folder.claim('folder').mkdir()
    assert (tmp_path / 'out' / 'file').read_text() == 'new'


@pytest.mark.parametrize('make', [Path.mkdir, Path.touch])
def test_output_folder_keeps_what_is_not_of_a_demo(tmp_path, make):
    make(tmp_path / 'recording')
    OutputFolder(tmp_path).claim('preview.png')
    with pytest.raises(ZoeDepthError, match='recording is there already'):
        OutputFolder(tmp_path).claim('recording')
    assert (tmp_path / 'recording').exists()


def test_output_folder_keeps_the_bag_that_is_played(tmp_path):
    OutputFolder(tmp_path).claim('recording').mkdir()
    folder = OutputFolder(tmp_path, keep=tmp_path / 'x' / '..' / 'recording')
    with pytest.raises(ZoeDepthError, match='recording would be replaced'):
        folder.claim('recording')
    assert (tmp_path / 'recording').is_dir()


def test_output_folder_in_an_impossible_place_is_refused(tmp_path):
    (tmp_path / 'file').touch()
    with pytest.raises(ZoeDepthError, match='file cannot be used'):
        OutputFolder(tmp_path / 'file')


@pytest.mark.parametrize(('name', 'value'), [
    ('seconds', 0.0), ('seconds', -1.0), ('fps', 0.0), ('fps', float('nan'))])
def test_demo_options_that_are_impossible_are_refused(name, value):
    with pytest.raises(ConfigError, match=f'{name} = {value}'):
        DemoOptions(**{name: value})
