# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Several bags that follow each other, as one bag of several files."""

from __future__ import annotations

from collections.abc import Sequence
import os
from pathlib import Path
from typing import Any

import yaml

from zoe_depth_ros.errors import BagError

METADATA = 'metadata.yaml'
ROOT = 'rosbag2_bagfile_information'


def merge_bags(parts: Sequence[Path], folder: Path, name: str) -> None:
    """
    Move the files of bags into one bag; cut short, it can be called again.

    :param parts: bags of one file each, in the order of time; empty ones are left out.
    :param folder: directory of the bag to make; metadata.yaml appears in it last.
    :param name: of its files, without number and suffix.
    :raises BagError: a part is missing, or the disk does not take it.
    """
    try:
        every = [(part, yaml.safe_load((part / METADATA).read_text())[ROOT]) for part in parts]
        filled = [pair for pair in every if pair[1]['message_count']] or every[:1]
        folder.mkdir(parents=True, exist_ok=True)
        for number, (part, info) in enumerate(filled):
            old = part / info['relative_file_paths'][0]
            new = folder / f'{name}_{number}{old.suffix}'
            if old.exists():
                os.replace(old, new)
            info['relative_file_paths'] = [new.name]
            info['files'][0]['path'] = new.name
        unfinished = folder / f'.{METADATA}'
        unfinished.write_text(yaml.safe_dump(
            {ROOT: _merged([info for _, info in filled])}, sort_keys=False))
        os.replace(unfinished, folder / METADATA)
    except OSError as error:
        raise BagError(f'bag {folder} cannot be completed: {error}') from error


def _merged(infos: list[dict[str, Any]]) -> dict[str, Any]:
    start_ns = min(info['starting_time']['nanoseconds_since_epoch'] for info in infos)
    stop_ns = max(
        info['starting_time']['nanoseconds_since_epoch'] + info['duration']['nanoseconds']
        for info in infos)
    topics: dict[str, dict[str, Any]] = {}
    for info in infos:
        for topic in info['topics_with_message_count']:
            known = topics.setdefault(
                topic['topic_metadata']['name'], {**topic, 'message_count': 0})
            known['message_count'] += topic['message_count']
    return {
        **infos[0],
        'relative_file_paths': [path for info in infos for path in info['relative_file_paths']],
        'starting_time': {'nanoseconds_since_epoch': start_ns},
        'duration': {'nanoseconds': stop_ns - start_ns},
        'message_count': sum(info['message_count'] for info in infos),
        'topics_with_message_count': list(topics.values()),
        'files': [file for info in infos for file in info['files']],
    }
