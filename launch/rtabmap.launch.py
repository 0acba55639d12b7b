# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Map with one camera: the depth node and RTAB-Map, for which this needs the package rtabmap_launch.

The arguments of depth.launch.py and of RTAB-Map's rtabmap.launch.py can be given, too, such as
`image:=/front/image_raw rtabmap_viz:=false`; a namespace is RTAB-Map's alone.
"""

from pathlib import Path

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.actions import GroupAction
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch.substitutions import PathJoinSubstitution
from launch_ros.substitutions import FindPackageShare

SHARE = Path(__file__).parents[1]

ARGUMENTS = {
    'params_file': (
        str(SHARE / 'config' / 'rtabmap.yaml'), 'YAML file with parameters of the depth node'),
    'frame_id': ('base_link', 'frame of the robot, from which TF leads to the camera'),
    'sync_queue_size': ('30', 'messages that wait for others of the same stamp, for each topic'),
}
FOR_DEPTH = {
    'params_file': LaunchConfiguration('params_file'),
    'namespace': '',
    'rviz': 'false',
}
FOR_RTABMAP = {
    'frame_id': LaunchConfiguration('frame_id'),
    'sync_queue_size': LaunchConfiguration('sync_queue_size'),
    'rgb_topic': '/depth_node/image_rect',
    'depth_topic': '/depth_node/depth/image',
    'camera_info_topic': '/depth_node/depth/camera_info',
    # The three have the same stamp to the nanosecond.
    'approx_sync': 'false',
    # 1 is reliable: of three large messages none may be lost.
    'qos_image': '1',
    'qos_camera_info': '1',
}


def generate_launch_description() -> LaunchDescription:
    """Return the launch description."""
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in ARGUMENTS.items()]
    depth = PythonLaunchDescriptionSource(str(SHARE / 'launch' / 'depth.launch.py'))
    rtabmap = PythonLaunchDescriptionSource(PathJoinSubstitution([
        FindPackageShare('rtabmap_launch'), 'launch', 'rtabmap.launch.py']))
    # In groups, so that what is set for one of them is not set for the other. The depth node
    # comes last, since launch would leave it running where RTAB-Map is missing.
    return LaunchDescription([
        *declared,
        GroupAction([IncludeLaunchDescription(rtabmap, launch_arguments=FOR_RTABMAP.items())]),
        GroupAction([IncludeLaunchDescription(depth, launch_arguments=FOR_DEPTH.items())])])
