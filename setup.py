# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Installation as an ament_python package, and with pip."""

from glob import glob

from setuptools import find_packages
from setuptools import setup

PACKAGE = 'zoe_depth_ros'

setup(
    name=PACKAGE,
    version='0.1.0',
    packages=find_packages(exclude=['test']),
    package_data={PACKAGE: ['weights/*.safetensors']},
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{PACKAGE}']),
        (f'share/{PACKAGE}', ['package.xml']),
        (f'share/{PACKAGE}/launch', glob('launch/*.launch.py')),
        (f'share/{PACKAGE}/config', glob('config/*.*')),
        (f'share/{PACKAGE}/config/train', glob('config/train/*.yaml')),
        (f'share/{PACKAGE}/rviz', glob('rviz/*.rviz')),
    ],
    install_requires=['setuptools'],
    extras_require={'test': ['pytest', 'pytest-timeout']},
    zip_safe=False,
    maintainer='zoe_depth_ros contributors',
    maintainer_email='maintainers@zoe-depth-ros.example',
    description='Metric depth and point clouds from one camera with ZoeDepth',
    license='Apache-2.0',
    entry_points={
        'console_scripts': [
            'depth_node = zoe_depth_ros.ros.node:main',
            'zoe_depth = zoe_depth_ros.cli:main',
        ],
    },
)
