# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A parameter file for STVL that knows the camera's fields of view."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Sequence
import math
from pathlib import Path
from typing import Any

from ament_index_python import get_package_share_directory
import yaml

import zoe_depth_ros
from zoe_depth_ros.camera import Camera
from zoe_depth_ros.ros.doctor.facts import Stream
from zoe_depth_ros.ros.messages import calibration_from_message

TEMPLATE = Path('config', 'stvl.yaml')
CALIBRATION_TOPIC = 'depth/camera_info'
CLOUD_TOPIC = 'points/obstacles'
SOURCES = 'observation_sources'
DIGITS = 4


def stvl_file(calibrations: Sequence[Stream]) -> str:
    """
    Return `config/stvl.yaml` with the topics and fields of view of running cameras.

    :param calibrations: camera_info of the depth images; a camera without any is left out.
    """
    heard = [stream for stream in calibrations if stream.last is not None]
    content = yaml.safe_load(_template_path().read_text())
    layer = find_layer(content)
    templates = {name: layer.pop(name) for name in layer[SOURCES].split()}
    names = []
    for number, stream in enumerate(heard):
        camera = calibration_from_message(stream.last).rectified_camera()
        for name, template in templates.items():
            names.append(f'{name}_{number}' if len(heard) > 1 else name)
            layer[names[-1]] = {**template, **_values(template, stream.topic, camera)}
    layer[SOURCES] = ' '.join(names)
    title = ', '.join(
        f'{stream.topic} of {stream.last.width}x{stream.last.height}' for stream in heard)
    return f'# For {title}; config/stvl.yaml says what the values mean.\n' + yaml.safe_dump(
        content, sort_keys=False)


def find_layer(content: dict[str, Any]) -> dict[str, Any]:
    """Return the parameters of the layer, the only ones with observation sources."""
    if SOURCES in content:
        return content
    layers = (find_layer(item) for item in content.values() if isinstance(item, dict))
    return next((layer for layer in layers if layer), {})


def fields_of_view(camera: Camera) -> tuple[float, float]:
    """
    Return (horizontal, vertical) angles in radians of the widest view that is the camera's.

    STVL's frustum is symmetric about the optical axis. Where the principal point is off the
    centre the narrower side counts twice, so that nothing is cleared that is not seen.
    """
    def whole(center_px: float, size: int, focal_px: float) -> float:
        narrow_px = min(center_px + 0.5, size - 0.5 - center_px)  # pixels end 0.5 off their centre
        return 2 * math.atan(narrow_px / focal_px)
    return (whole(camera.cx, camera.width, camera.fx),
            whole(camera.cy, camera.height, camera.fy))


def _values(template: Mapping[str, Any], topic: str, camera: Camera) -> dict[str, Any]:
    """Return what of a source depends on the camera."""
    horizontal, vertical = fields_of_view(camera)
    values = {
        'topic': topic.removesuffix(CALIBRATION_TOPIC) + CLOUD_TOPIC,
        'vertical_fov_angle': round(vertical, DIGITS),
        'horizontal_fov_angle': round(horizontal, DIGITS)}
    return {name: value for name, value in values.items() if name in template}


def _template_path() -> Path:
    """Return where the template lies: beside the sources, or where colcon installed it."""
    path = Path(zoe_depth_ros.__file__).parents[1] / TEMPLATE
    return path if path.is_file() else Path(
        get_package_share_directory('zoe_depth_ros')) / TEMPLATE
