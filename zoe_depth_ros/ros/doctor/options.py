# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the doctor is told."""

from __future__ import annotations

from dataclasses import dataclass

from zoe_depth_ros.errors import ConfigError

LONGEST_S = 600.0


@dataclass(frozen=True)
class DoctorOptions:
    """
    What to look at.

    :param node: full name of the depth node; '' for all that are found.
    :param seconds: how long to listen.
    :param image: topic that its images should come from; '' for those it subscribes to.
    :param camera_info: topic that its calibration should come from; '' as above.
    :param stvl: also make a parameter file for STVL.
    """

    node: str = ''
    seconds: float = 3.0
    image: str = ''
    camera_info: str = ''
    stvl: bool = False

    def __post_init__(self) -> None:
        if not 0 < self.seconds <= LONGEST_S:
            raise ConfigError(f'seconds = {self.seconds} is not above 0 and at most {LONGEST_S}')
        for name in ('node', 'image', 'camera_info'):
            value = getattr(self, name)
            if value and not value.startswith('/'):
                raise ConfigError(f'{name} = {value!r} is not a full name, which begins with /')
