# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Damaged bags: done as far as they read, reported, and no harm to the rest of the folder."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
import shutil

from bag_helpers import changed
import numpy as np
from offline_helpers import bag_of
from offline_helpers import compressed
from offline_helpers import IMAGE
from offline_helpers import image
from offline_helpers import info
from offline_helpers import make
from offline_helpers import raw
from offline_helpers import recording
from offline_helpers import TEXT
import pytest
from rosbags.rosbag1 import Writer as Ros1Writer
from rosbags.rosbag2 import CompressionFormat
from rosbags.rosbag2 import CompressionMode
from rosbags.rosbag2 import StoragePlugin
from rosbags.rosbag2 import Writer
from rosbags.typesys import get_typestore
from rosbags.typesys import Stores

from zoe_depth_ros.bag.lenient import LenientReader
from zoe_depth_ros.bag.merge import merge_bags
from zoe_depth_ros.bag.reader import BagMessage
from zoe_depth_ros.bag.typestore import TYPESTORE
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.offline.job import Progress
from zoe_depth_ros.offline.report import BagReport
from zoe_depth_ros.offline.report import RunReport

pytestmark = pytest.mark.usefixtures('one_thread')


def long_recording() -> list[BagMessage]:
    """Return messages that fill several chunks of a megabyte."""
    rng = np.random.default_rng(0)
    noise = [replace(message, cdr=message.cdr + rng.bytes(600_000))
             if message.topic == TEXT else message for message in recording(8)]
    return noise


def read_all(path: Path, **limits: int) -> tuple[list[BagMessage], LenientReader]:
    with LenientReader(path) as bag:
        return list(bag.messages([topic.name for topic in bag.topics], **limits)), bag


def cut(file: Path, keep: float) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:int(len(content) * keep)])


def broken_chunk(file: Path) -> None:
    """Overwrite the beginning of what zstd made of the second chunk of a file."""
    magic = b'\x28\xb5\x2f\xfd'
    before, first, second, *rest = file.read_bytes().split(magic)
    damaged = magic.join([before, first]) + bytes(4) + magic.join([second, *rest])
    file.write_bytes(damaged)


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_damage_none_is_found_in_a_sound_bag(tmp_path, storage):
    path = bag_of(tmp_path / 'b', long_recording(), storage=storage)
    found, bag = read_all(path)
    assert found == long_recording()
    assert bag.problems == []
    start_ns, stop_ns = found[6].stamp_ns, found[12].stamp_ns
    assert read_all(path, start_ns=start_ns, stop_ns=stop_ns)[0] == found[6:12]


@pytest.mark.parametrize('keep', [0.9999, 0.7, 0.45])
def test_damage_truncated_mcap_is_read_up_to_the_last_whole_chunk(tmp_path, keep):
    path = bag_of(tmp_path / 'b', long_recording())
    cut(path / 'b.mcap', keep)
    found, bag = read_all(path)
    assert found == long_recording()[:len(found)]
    assert len(found) >= {0.9999: 24, 0.7: 12, 0.45: 6}[keep]
    assert any('ends after' in problem for problem in bag.problems)
    assert bag.announced[IMAGE] == 8  # metadata.yaml is intact


def test_damage_scanned_parts_of_a_bag_are_the_parts_of_all(tmp_path):
    path = bag_of(tmp_path / 'b', long_recording())
    cut(path / 'b.mcap', 0.9999)
    everything, bag = read_all(path)
    assert (bag.start_ns, bag.stop_ns) == (
        everything[0].stamp_ns, everything[-1].stamp_ns + 1)
    start_ns, stop_ns = everything[6].stamp_ns, everything[18].stamp_ns
    assert read_all(path, start_ns=start_ns, stop_ns=stop_ns)[0] == everything[6:18]


def test_damage_within_a_chunk_costs_that_chunk_only(tmp_path):
    path = bag_of(tmp_path / 'b', long_recording())
    broken_chunk(path / 'b.mcap')
    found, bag = read_all(path)
    # A chunk holds two texts of half a megabyte and what is between.
    assert found == long_recording()[:6] + long_recording()[12:]
    assert any('are damaged' in problem for problem in bag.problems)
    assert bag.announced[IMAGE] == 8


@pytest.mark.parametrize('storage', ['mcap', 'sqlite3'])
def test_damage_lost_metadata_costs_nothing(tmp_path, storage):
    parts = [bag_of(tmp_path / str(n), recording()[3 * n:3 * n + 3], storage=storage)
             for n in range(4)]
    merge_bags(parts, tmp_path / 'b', 'b')
    (tmp_path / 'b' / 'metadata.yaml').unlink()
    found, bag = read_all(tmp_path / 'b')
    assert found == recording()
    assert len(bag.problems) == 1
    assert 'metadata' in bag.problems[0]


def test_damage_truncated_sqlite3_is_read_as_far_as_its_pages_go(tmp_path):
    path = bag_of(tmp_path / 'b', long_recording(), storage='sqlite3')
    cut(path / 'b.db3', 0.6)
    found, bag = read_all(path)
    assert found == long_recording()[:len(found)]
    assert len(found) >= 8
    assert bag.problems


@pytest.mark.parametrize('keep', [1.0, 0.9])
def test_damage_file_compressed_bag_without_metadata_is_unpacked(tmp_path, keep):
    writer = Writer(tmp_path / 'b', version=9, storage_plugin=StoragePlugin.MCAP)
    writer.set_compression(CompressionMode.FILE, CompressionFormat.ZSTD)
    with writer:
        link = writer.add_connection(IMAGE, 'sensor_msgs/msg/Image', typestore=TYPESTORE)
        for number in range(300):
            writer.write(link, image(number).stamp_ns, image(number).cdr)
    (tmp_path / 'b' / 'metadata.yaml').unlink()
    cut(tmp_path / 'b' / 'b.mcap.zstd', keep)
    found, _ = read_all(tmp_path / 'b')
    assert len(found) == 300 if keep == 1 else 90 < len(found) < 300
    assert found == [image(number) for number in range(len(found))]


def test_damage_message_compressed_bag_without_metadata_is_unpacked(tmp_path):
    writer = Writer(tmp_path / 'b', version=9, storage_plugin=StoragePlugin.SQLITE3)
    writer.set_compression(CompressionMode.MESSAGE, CompressionFormat.ZSTD)
    with writer:
        link = writer.add_connection(IMAGE, 'sensor_msgs/msg/Image', typestore=TYPESTORE)
        writer.write(link, image(0).stamp_ns, image(0).cdr)
    (tmp_path / 'b' / 'metadata.yaml').unlink()
    # The file itself does not say that its messages are compressed.
    assert read_all(tmp_path / 'b')[0] == [image(0)]


def ros1_bag(path: Path) -> Path:
    store = get_typestore(Stores.ROS1_NOETIC)
    writer = Ros1Writer(path)
    writer.chunk_threshold = 40_000
    with writer as bag:
        links = {}
        for message in recording(8):
            if message.topic not in links:
                links[message.topic] = bag.add_connection(
                    message.topic, message.type_name, typestore=store)
            bag.write(
                links[message.topic], message.stamp_ns,
                TYPESTORE.cdr_to_ros1(message.cdr, message.type_name))
    return path


def test_damage_truncated_ros_1_bag_is_read_up_to_the_last_whole_chunk(tmp_path):
    path = ros1_bag(tmp_path / 'old.bag')
    sound, _ = read_all(path)
    cut(path, 0.7)
    found, bag = read_all(path)
    assert found == sound[:len(found)]
    assert 9 <= len(found) < 24
    assert bag.problems


@pytest.mark.parametrize('content', [b'', b'\x89MCAP0\r\n', b'no bag at all' * 99])
@pytest.mark.parametrize('suffix', ['.mcap', '.db3', '.bag'])
def test_damage_file_of_nothing_is_one_error(tmp_path, suffix, content):
    path = tmp_path / f'b{suffix}'
    path.write_bytes(content)
    with pytest.raises(BagError, match='b' + suffix):
        LenientReader(path)


def bag_report(run: RunReport) -> BagReport:
    report, = run.bags
    return report


def test_damage_truncated_bag_is_estimated_and_reported_with_counts(weights, tmp_path):
    path = bag_of(tmp_path / 'b', long_recording())
    cut(path / 'b.mcap', 0.7)
    report = bag_report(make(weights, path, output=tmp_path / 'o', segment_s=0.3))
    assert not report.is_whole
    counts = {item.topic: item for item in report.work.topics}
    assert counts[IMAGE].recorded == 8
    assert 3 < counts[IMAGE].read < 8
    assert report.work.estimated == counts[IMAGE].read
    found = read_all(path)[0]
    assert raw(tmp_path / 'o' / 'b', *{m.topic for m in found}) == [
        (m.topic, m.stamp_ns, m.cdr) for m in found]


def test_damage_seen_before_a_run_was_cut_short_is_still_reported(weights, tmp_path):
    path = bag_of(tmp_path / 'b', long_recording())
    broken_chunk(path / 'b.mcap')

    def stop(progress: Progress) -> None:
        if progress.frames == 6:
            raise KeyboardInterrupt
    with pytest.raises(KeyboardInterrupt):
        make(weights, path, output=tmp_path / 'o', segment_s=0.1, on_progress=stop)
    report = bag_report(make(weights, path, output=tmp_path / 'o', segment_s=0.1))
    assert any('are damaged' in problem for problem in report.work.problems)
    assert report.work.estimated == 6


def test_damage_of_single_messages_drops_them_by_kind_and_keeps_them_in_the_bag(
        weights, tmp_path):
    broken = compressed(1)
    broken = replace(broken, cdr=broken.cdr[:2000])
    no_picture = changed(compressed(2), data=np.frombuffer(b'no picture', np.uint8))
    small = changed(info(3), width=40)
    messages = [compressed(0), info(0), broken, info(1), no_picture, info(2), compressed(3), small]
    report = bag_report(make(weights, bag_of(tmp_path / 'b', messages), output=tmp_path / 'o'))
    dropped = {item.kind: item for item in report.work.dropped}
    assert sum(item.count for item in dropped.values()) == 3
    assert {item.topic for item in dropped.values()} == {f'{IMAGE}/compressed'}
    camera, = report.work.cameras
    assert (camera.frames, camera.estimated) == (4, 1)
    assert len(raw(tmp_path / 'o' / 'b', f'{IMAGE}/compressed')) == 4
    assert not report.is_whole


def test_damage_of_one_bag_leaves_the_rest_of_the_folder_alone(weights, tmp_path):
    folder = tmp_path / 'in'
    for name in ('a', 'c'):
        bag_of(folder / name, recording(1))
    shutil.copytree(folder / 'a', folder / 'b')
    (folder / 'b' / 'a.mcap').write_bytes(b'')
    run = make(weights, folder, output=tmp_path / 'o')
    assert [bag.name for bag in run.bags] == ['a', 'c']
    failure, = run.failures
    assert failure.source == str(folder / 'b')
    assert not run.is_whole
