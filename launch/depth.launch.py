# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Start the depth node.

Every argument has a description: `ros2 launch zoe_depth_ros depth.launch.py --show-args`.
"""

from pathlib import Path

from launch import LaunchContext
from launch import LaunchDescription
from launch import LaunchDescriptionEntity
from launch.actions import DeclareLaunchArgument
from launch.actions import OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

SHARE = Path(__file__).parents[1]

ARGUMENTS = {
    'namespace': ('', 'namespace of the node and of its relative topics'),
    'params_file': (str(SHARE / 'config' / 'zoe_depth.yaml'), 'YAML file with parameters'),
    'image': ('camera/image_raw', 'image topic, without /compressed'),
    'camera_info': ('', 'camera_info topic; empty: the one beside the image topic'),
    'cameras': ('', 'names of several cameras, such as front,left: their topics are NAME/<image>, '
                    'NAME/<camera_info> and NAME/<range>'),
    'range': ('range', 'topic of the range sensor, with scale.source range'),
    'image_transport': ('', 'raw or compressed; empty: as in params_file'),
    'model': ('', 'model name, weight file or Hugging Face repository; empty: as in params_file'),
    'device': ('', 'auto, cpu or cuda:N; empty: as in params_file'),
    'rviz': ('false', 'also start RViz, from the package rviz2'),
    'use_sim_time': ('false', 'take the time from /clock'),
    'log_level': ('info', 'debug, info, warn, error or fatal'),
    'respawn': ('false', 'start the node again when it dies'),
}


def generate_launch_description() -> LaunchDescription:
    """Return the launch description."""
    declared = [
        DeclareLaunchArgument(name, default_value=default, description=description)
        for name, (default, description) in ARGUMENTS.items()]
    rviz = Node(
        package='rviz2', executable='rviz2', namespace=LaunchConfiguration('namespace'),
        arguments=['-d', str(SHARE / 'rviz' / 'zoe_depth.rviz')],
        parameters=[{'use_sim_time': LaunchConfiguration('use_sim_time')}],
        condition=IfCondition(LaunchConfiguration('rviz')))
    return LaunchDescription([*declared, rviz, OpaqueFunction(function=_depth_node)])


def _depth_node(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    value = {name: context.launch_configurations[name] for name in ARGUMENTS}
    beside = ''.join(value['image'].rpartition('/')[:2])
    overrides = {
        name: value[name] for name in ('image_transport', 'model', 'device') if value[name]}
    cameras = [name.strip() for name in value['cameras'].split(',') if name.strip()]
    spaces = [f'{name}/' for name in cameras] or ['']
    for name in ('image', 'camera_info', 'range'):
        if cameras and value[name].startswith('/'):
            raise RuntimeError(
                f'{name}:={value[name]} must not begin with / where cameras are named: it is the '
                'end of their topics')
    if cameras:
        overrides['cameras'] = cameras
    overrides['use_sim_time'] = value['use_sim_time'].lower() in ('true', '1')
    return [Node(
        package='zoe_depth_ros', executable='depth_node', name='depth_node',
        namespace=value['namespace'], output='screen', emulate_tty=True,
        parameters=[value['params_file'], overrides],
        remappings=[
            (f'{space}{name}', f'{space}{topic}') for space in spaces for name, topic in {
                'image': value['image'],
                'camera_info': value['camera_info'] or f'{beside}camera_info',
                'range': value['range']}.items()],
        ros_arguments=['--log-level', value['log_level']],
        respawn=value['respawn'].lower() in ('true', '1'), respawn_delay=2.0)]
