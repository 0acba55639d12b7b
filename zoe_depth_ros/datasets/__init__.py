# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Images with depth for training and evaluation: worlds, file lists, folders and bags."""

from zoe_depth_ros.datasets.config import DatasetConfig
from zoe_depth_ros.datasets.open import open_source
from zoe_depth_ros.datasets.sample import Sample
from zoe_depth_ros.datasets.sample import Source

__all__ = ['DatasetConfig', 'Sample', 'Source', 'open_source']
