# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

from __future__ import annotations

from dataclasses import replace
import os
import pickle
from random import Random
import shutil

from bag_helpers import bag_of
from bag_helpers import HEADER
from bag_helpers import rgb_message
from mcap.writer import Writer
import numpy as np
import pytest

from zoe_depth_ros.bag.decode import header_stamp_ns
from zoe_depth_ros.bag.encode import image_message
from zoe_depth_ros.bag.index import find_moments
from zoe_depth_ros.bag.index import MessageSeries
from zoe_depth_ros.bag.index import Moment
from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.bag.typestore import TYPESTORE
from zoe_depth_ros.bag.writer import BagWriter
from zoe_depth_ros.errors import BagError

COUNT = 12


def frame(number, topic='/a', recorded_ns=None):
    """Return a message taken at number seconds, recorded a second later."""
    stamped = rgb_message(topic, replace(HEADER, stamp_ns=number * 10**9), seed=number)
    return replace(stamped, stamp_ns=recorded_ns or (number + 1) * 10**9)


def bag_in(path, storage, messages):
    """Return a bag in chunks of mcap, in mcap without chunks and index, or in sqlite3."""
    if storage != 'plain':
        with BagWriter(path, storage=storage) as bag:
            for message in messages:
                bag.write(message)
        return path
    path = path.with_suffix('.mcap')
    with path.open('wb') as file:
        writer, channels = Writer(file, use_chunking=False), {}
        writer.start(profile='ros2')
        for message in messages:
            if message.topic not in channels:
                text = TYPESTORE.generate_msgdef(message.type_name, ros_version=2)[0]
                schema = writer.register_schema(message.type_name, 'ros2msg', text.encode())
                channels[message.topic] = writer.register_channel(message.topic, 'cdr', schema)
            writer.add_message(
                channels[message.topic], message.stamp_ns, message.cdr, message.stamp_ns)
        writer.finish()
    return path


@pytest.fixture(params=['mcap', 'plain', 'sqlite3'])
def bag_path(tmp_path, request):
    return bag_in(tmp_path / 'bag', request.param, [
        message for number in range(COUNT) for message in (
            frame(number), frame(number + 100, '/b', recorded_ns=(number + 1) * 10**9))])


def series_of(path, topic='/a'):
    with BagReader(path) as bag:
        return MessageSeries(path, topic, find_moments(bag, [topic])[topic])


def seconds(message):
    return header_stamp_ns(message.cdr) // 10**9


def test_messages_between_two_times_are_read(bag_path):
    with BagReader(bag_path) as bag:
        part = bag.messages(['/a'], start_ns=3 * 10**9, stop_ns=5 * 10**9)
        assert [message.stamp_ns for message in part] == [3 * 10**9, 4 * 10**9]
        late = bag.messages(['/a', '/b'], start_ns=COUNT * 10**9)
        assert [message.topic for message in late] == ['/a', '/b']


def test_moments_are_those_of_recording_and_header(bag_path):
    with BagReader(bag_path) as bag:
        moments = find_moments(bag, ['/a', '/b'])
    assert moments['/a'] == [
        Moment((number + 1) * 10**9, number * 10**9) for number in range(COUNT)]
    assert moments['/b'][0] == Moment(10**9, 100 * 10**9)


def test_message_that_is_there_twice_counts_once(tmp_path):
    path = bag_of(tmp_path / 'bag', frame(1), frame(1), frame(2))
    assert len(series_of(path)) == 2


def test_messages_come_by_number_in_any_order(bag_path):
    series, other = series_of(bag_path), series_of(bag_path, '/b')
    numbers = [*range(COUNT), *Random(1).choices(range(COUNT), k=30), *range(COUNT)]
    for number in numbers:
        assert series[number] == frame(number)
        assert seconds(other[number]) == number + 100


def test_messages_recorded_at_once_or_out_of_order_are_told_apart(tmp_path):
    path = bag_of(tmp_path / 'bag', *(frame(number, recorded_ns=7) for number in (1, 2, 3)))
    backwards = MessageSeries(path, '/a', series_of(path).moments[::-1])
    assert [seconds(backwards[number]) for number in (0, 1, 2, 1, 0)] == [3, 2, 1, 2, 3]


def test_series_is_pickled_without_its_files(bag_path):
    series = series_of(bag_path)
    assert seconds(series[4]) == 4
    assert [seconds(message) for message in pickle.loads(pickle.dumps(series))] == [*range(COUNT)]


def test_series_goes_on_in_a_forked_process_and_here(tmp_path):
    pixels = np.zeros((100, 100, 3), np.uint8)  # more than a file's buffer
    path = bag_in(tmp_path / 'bag', 'plain', [
        image_message('/a', pixels, 'rgb8', replace(HEADER, stamp_ns=number * 10**9))
        for number in range(COUNT)])
    series = series_of(path)
    assert seconds(series[0]) == 0
    process = os.fork()
    if process == 0:  # reading on here would move the place in files shared with the parent
        ok = [seconds(series[number]) for number in range(1, 9)] == [*range(1, 9)]
        os._exit(0 if ok else 1)
    assert os.waitpid(process, 0)[1] == 0
    assert [seconds(series[number]) for number in range(1, 9)] == [*range(1, 9)]


def test_message_that_vanished_is_told(tmp_path):
    path = bag_of(tmp_path / 'bag', *(frame(number) for number in range(COUNT)))
    series = series_of(path)
    shutil.rmtree(path)
    bag_of(path, frame(2), frame(5))
    assert seconds(series[5]) == 5
    with pytest.raises(BagError, match=r'bag no longer has /a of 4000000000 ns'):
        series[4]
