# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""From options to images."""

from __future__ import annotations

from zoe_depth_ros.datasets.bag import BagImages
from zoe_depth_ros.datasets.config import DatasetConfig
from zoe_depth_ros.datasets.file_list import ListImages
from zoe_depth_ros.datasets.folder import FolderImages
from zoe_depth_ros.datasets.sample import Source
from zoe_depth_ros.datasets.source import Images
from zoe_depth_ros.datasets.source import ImageSource
from zoe_depth_ros.datasets.worlds import WorldImages
from zoe_depth_ros.errors import CameraError
from zoe_depth_ros.errors import DatasetError
from zoe_depth_ros.errors import ImageError

READERS: dict[str, type[Images]] = {
    'worlds': WorldImages, 'list': ListImages, 'folder': FolderImages, 'bag': BagImages}


def open_source(config: DatasetConfig) -> Source:
    """
    Open a data set.

    :raises DatasetError: the path is missing, a list is malformed, or no image is left.
    :raises BagError: there is no such bag, it is damaged, or lacks the topics.
    """
    try:
        return ImageSource(READERS[config.kind](config), config)
    except (CameraError, ImageError) as error:
        raise DatasetError(f'{config.kind} {config.path}: {error}') from error
