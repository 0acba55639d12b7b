# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Show what one camera sees as obstacles in a costmap of Nav2, without the rest of a robot.

Starts the depth node, the transform that places the camera on the robot, Nav2's costmap and the
manager of its lifecycle. Needs the packages nav2_costmap_2d, nav2_lifecycle_manager and tf2_ros.
The arguments of depth.launch.py can be given, too, such as `image:=/front/image_raw`, but for the
namespace.
"""

import math
from pathlib import Path

from launch import LaunchContext
from launch import LaunchDescription
from launch import LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument
from launch.actions import GroupAction
from launch.actions import IncludeLaunchDescription
from launch.actions import OpaqueFunction
from launch.conditions import IfCondition
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

SHARE = Path(__file__).parents[1]

ARGUMENTS = {
    'params_file': (
        str(SHARE / 'config' / 'nav2_voxel_layer.yaml'),
        'YAML file with parameters of depth_node and of local_costmap'),
    'camera_frame': (
        'camera_optical_frame', 'frame_id of the images; empty: TF knows it, place no camera'),
    'camera_height': ('1.0', 'metres that the camera is above the floor'),
    'camera_forward': ('0.0', 'metres that the camera is in front of base_frame'),
    'camera_pitch': (
        '0.0', 'degrees that the camera looks down from level; write it to ground.camera_pitch in '
        'params_file, too'),
    'base_frame': ('base_link', 'frame of the robot: x forward, z up, 0 on the floor'),
    'global_frame': (
        '', 'frame in which obstacles stand still, such as odom, where the robot publishes it; '
        'empty: base_frame, for a camera that stands still'),
    'rviz': ('false', 'also start RViz, from the package rviz2'),
    'use_sim_time': ('false', 'take the time from /clock'),
}
FOR_DEPTH = {
    'params_file': LaunchConfiguration('params_file'),
    'namespace': '',
    'rviz': 'false',
}


def generate_launch_description() -> LaunchDescription:
    """Return the launch description."""
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in ARGUMENTS.items()]
    depth = IncludeLaunchDescription(
        PythonLaunchDescriptionSource(str(SHARE / 'launch' / 'depth.launch.py')),
        launch_arguments=FOR_DEPTH.items())
    # Last, since launch would leave it running where a package of the others is missing; in a
    # group, so that what is set for it is not set for them.
    return LaunchDescription(
        [*declared, OpaqueFunction(function=_other_nodes), GroupAction([depth])])


def _other_nodes(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    value = {name: context.launch_configurations[name] for name in ARGUMENTS}
    clock = {'use_sim_time': value['use_sim_time'].lower() in ('true', '1')}
    frames = {
        'robot_base_frame': value['base_frame'],
        'global_frame': value['global_frame'] or value['base_frame']}
    return [
        # Named as in a robot's Nav2, so that the same parameters are its own.
        Node(
            package='nav2_costmap_2d', executable='nav2_costmap_2d', name='local_costmap',
            namespace='local_costmap', output='screen',
            parameters=[value['params_file'], frames, clock]),
        Node(
            package='nav2_lifecycle_manager', executable='lifecycle_manager',
            name='lifecycle_manager_costmap', output='screen',
            # A costmap that runs by itself has no bond with its manager.
            parameters=[clock, {
                'node_names': ['local_costmap/local_costmap'], 'autostart': True,
                'bond_timeout': 0.0}]),
        Node(
            package='rviz2', executable='rviz2', parameters=[clock],
            arguments=['-d', str(SHARE / 'rviz' / 'nav2_demo.rviz')],
            condition=IfCondition(value['rviz'])),
        *_camera_transform(value)]


def _camera_transform(value: dict[str, str]) -> list[LaunchDescriptionEntity]:
    """Return what publishes the pose of the camera on the robot, where it is wanted."""
    if not value['camera_frame']:
        return []
    # An optical frame has z forward and x to the right (REP 103).
    roll_rad = -math.pi / 2 - math.radians(float(value['camera_pitch']))
    return [Node(
        package='tf2_ros', executable='static_transform_publisher', name='camera_transform',
        arguments=[
            '--x', value['camera_forward'], '--z', value['camera_height'],
            '--roll', f'{roll_rad:.6f}', '--yaw', f'{-math.pi / 2:.6f}',
            '--frame-id', value['base_frame'], '--child-frame-id', value['camera_frame']])]
