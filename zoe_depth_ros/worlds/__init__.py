# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Random rooms and streets, rendered with exact depth, for training, tests and the demo."""

from zoe_depth_ros.worlds.drive import corridor_drive
from zoe_depth_ros.worlds.drive import doorway_drive
from zoe_depth_ros.worlds.drive import street_drive
from zoe_depth_ros.worlds.drive import WorldFrame
from zoe_depth_ros.worlds.sample import render_views
from zoe_depth_ros.worlds.sample import sample_view
from zoe_depth_ros.worlds.sample import sample_worlds
from zoe_depth_ros.worlds.sample import WorldBatch
from zoe_depth_ros.worlds.scene import Box
from zoe_depth_ros.worlds.scene import camera_pose
from zoe_depth_ros.worlds.scene import Lighting
from zoe_depth_ros.worlds.scene import Material
from zoe_depth_ros.worlds.scene import Round
from zoe_depth_ros.worlds.scene import Scene
from zoe_depth_ros.worlds.scene import Sensor
from zoe_depth_ros.worlds.scene import View

__all__ = [
    'Box', 'Lighting', 'Material', 'Round', 'Scene', 'Sensor', 'View', 'WorldBatch', 'WorldFrame',
    'camera_pose', 'corridor_drive', 'doorway_drive', 'render_views', 'sample_view',
    'sample_worlds', 'street_drive',
]
