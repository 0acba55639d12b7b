# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Bags have every field that rosbag2 reads, as it reads it (Humble: version 5, Jazzy: 9)."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
import sqlite3
from typing import Any

from mcap.reader import make_reader
from offline_helpers import bag_of
from offline_helpers import IMAGE
from offline_helpers import recording
import pytest
import yaml

from zoe_depth_ros.bag.merge import merge_bags

FOREVER = {'sec': 9223372036, 'nsec': 854775807}  # RMW_DURATION_INFINITE
QOS = {
    'history': 1, 'depth': 10, 'reliability': 1, 'durability': 2, 'deadline': FOREVER,
    'lifespan': FOREVER, 'liveliness': 1, 'liveliness_lease_duration': FOREVER,
    'avoid_ros_namespace_conventions': False}
IMAGE_HASH = 'RIHS01_d31d41a9a4c4bc8eae9be757b0beed306564f7526c88ea6a4588fb9582527d47'
FIRST_NS = recording()[0].stamp_ns


@pytest.fixture(params=['mcap', 'sqlite3'])
def bag(request, tmp_path) -> Path:
    """Return a bag of two files."""
    messages = recording(2)
    parts = [bag_of(tmp_path / str(n), messages[3 * n:3 * n + 3], storage=request.param)
             for n in range(2)]
    merge_bags(parts, tmp_path / 'b', 'b')
    return tmp_path / 'b'


def check_information(found: dict[str, Any], messages: int, duration_ns: int) -> None:
    """Look at a bag's metadata field by field."""
    assert set(found) == {
        'version', 'storage_identifier', 'duration', 'starting_time', 'message_count',
        'topics_with_message_count', 'compression_format', 'compression_mode',
        'relative_file_paths', 'files', 'custom_data', 'ros_distro'}
    assert found['version'] == 8  # version 9 is not read by Humble
    assert found['duration'] == {'nanoseconds': duration_ns}
    assert found['starting_time'] == {'nanoseconds_since_epoch': FIRST_NS}
    assert found['message_count'] == messages
    # Without both of these a player takes the files as they are, chunks of mcap included.
    assert (found['compression_format'], found['compression_mode']) == ('', '')
    assert found['custom_data'] is None  # as rosbag2 itself writes an empty map
    assert isinstance(found['ros_distro'], str)
    for topic in found['topics_with_message_count']:
        assert set(topic) == {'topic_metadata', 'message_count'}
        assert set(topic['topic_metadata']) == {
            'name', 'type', 'serialization_format', 'offered_qos_profiles',
            'type_description_hash'}
        assert topic['topic_metadata']['serialization_format'] == 'cdr'
        assert yaml.safe_load(topic['topic_metadata']['offered_qos_profiles']) == [QOS]
    image = found['topics_with_message_count'][0]['topic_metadata']
    assert (image['name'], image['type'], image['type_description_hash']) == (
        IMAGE, 'sensor_msgs/msg/Image', IMAGE_HASH)


def files_of(bag: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    text = (bag / 'metadata.yaml').read_text()
    for file in yaml.safe_load(text)['rosbag2_bagfile_information']['files']:
        yield bag / file['path'], file


def test_players_find_what_they_need_in_metadata(bag):
    content = yaml.safe_load((bag / 'metadata.yaml').read_text())
    assert set(content) == {'rosbag2_bagfile_information'}
    found = content['rosbag2_bagfile_information']
    check_information(found, 6, recording(2)[-1].stamp_ns - FIRST_NS)
    assert found['relative_file_paths'] == [file['path'] for file in found['files']]
    assert all((bag / path).is_file() for path in found['relative_file_paths'])
    for number, file in enumerate(found['files']):
        assert file == {
            'path': f'b_{number}{Path(file["path"]).suffix}', 'message_count': 3,
            'starting_time': {'nanoseconds_since_epoch': recording(2)[3 * number].stamp_ns},
            'duration': {'nanoseconds': recording(1)[-1].stamp_ns - FIRST_NS}}


@pytest.mark.parametrize('bag', ['mcap'], indirect=True)
def test_players_find_what_they_need_in_an_mcap_file(bag):
    for path, file in files_of(bag):
        with path.open('rb') as content:
            reader = make_reader(content, validate_crcs=True)
            assert reader.get_header().profile == 'ros2'
            summary = reader.get_summary()
            record, = reader.iter_metadata()
        assert record.name == 'rosbag2'
        assert set(record.metadata) == {'serialized_metadata'}
        statistics = summary.statistics
        assert statistics.message_count == file['message_count'] == 3
        assert statistics.message_start_time == file['starting_time']['nanoseconds_since_epoch']
        assert all(chunk.message_index_offsets for chunk in summary.chunk_indexes)
        for channel in summary.channels.values():
            assert channel.message_encoding == 'cdr'
            assert yaml.safe_load(channel.metadata['offered_qos_profiles']) == [QOS]
            assert summary.schemas[channel.schema_id].encoding == 'ros2msg'
        assert {channel.topic: summary.schemas[channel.schema_id].name
                for channel in summary.channels.values()}[IMAGE] == 'sensor_msgs/msg/Image'
    first, _ = next(files_of(bag))
    with first.open('rb') as content:
        record, = make_reader(content).iter_metadata()
    check_information(
        yaml.safe_load(record.metadata['serialized_metadata']), 3,
        recording(1)[-1].stamp_ns - FIRST_NS)


@pytest.mark.parametrize('bag', ['sqlite3'], indirect=True)
def test_players_find_what_they_need_in_a_database(bag):
    for path, file in files_of(bag):
        with closing(sqlite3.connect(path)) as database:
            names = {table: [row[1] for row in database.execute(f'PRAGMA table_info({table})')]
                     for table, in database.execute(
                         "SELECT name FROM sqlite_master WHERE type = 'table'")}
            assert names == {
                'schema': ['schema_version', 'ros_distro'],
                'metadata': ['id', 'metadata_version', 'metadata'],
                'topics': ['id', 'name', 'type', 'serialization_format', 'offered_qos_profiles',
                           'type_description_hash'],
                'message_definitions': ['id', 'topic_type', 'encoding',
                                        'encoded_message_definition', 'type_description_hash'],
                'messages': ['id', 'topic_id', 'timestamp', 'data']}
            assert database.execute('SELECT schema_version FROM schema').fetchall() == [(4,)]
            (version, text), = database.execute('SELECT metadata_version, metadata FROM metadata')
            assert version == yaml.safe_load(text)['version'] == 8
            for name, qos in database.execute('SELECT name, offered_qos_profiles FROM topics'):
                assert yaml.safe_load(qos) == [QOS], name
            count, first_ns = database.execute(
                'SELECT COUNT(*), MIN(timestamp) FROM messages').fetchone()
        assert (count, first_ns) == (3, file['starting_time']['nanoseconds_since_epoch'])
