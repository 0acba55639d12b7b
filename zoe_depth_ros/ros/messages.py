# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""Results as messages, and camera_info as a `Calibration`. Headers pass through untouched."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict

from diagnostic_msgs.msg import DiagnosticArray
from diagnostic_msgs.msg import DiagnosticStatus
from diagnostic_msgs.msg import KeyValue
import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo
from sensor_msgs.msg import CompressedImage
from std_msgs.msg import Header

from zoe_depth_ros.camera import Calibration
from zoe_depth_ros.camera import Camera
from zoe_depth_ros.encoding import COMPRESSED_DEPTH_FORMATS
from zoe_depth_ros.encoding import encode_compressed_depth
from zoe_depth_ros.encoding import encode_depth_mm
from zoe_depth_ros.inference import DepthMap
from zoe_depth_ros.ros.conversion import to_bytes
from zoe_depth_ros.ros.statistics import Diagnosis
from zoe_depth_ros.ros.statistics import Snapshot
from zoe_depth_ros.scale import Scale


def calibration_from_message(message: CameraInfo) -> Calibration:
    """
    Return the calibration in a camera_info message.

    :raises CameraError: K is not calibrated, or a number is not finite.
    """
    roi = message.roi
    return Calibration(
        message.width, message.height, k=tuple(message.k), d=tuple(message.d),
        r=tuple(message.r), p=tuple(message.p), distortion_model=message.distortion_model,
        binning_x=message.binning_x, binning_y=message.binning_y,
        roi=(roi.x_offset, roi.y_offset, roi.width, roi.height))


def camera_info_message(camera: Camera, header: Header) -> CameraInfo:
    """Return camera_info of a rectified image: no distortion, K and P alike, no binning or ROI."""
    fx, fy, cx, cy = camera.fx, camera.fy, camera.cx, camera.cy
    return CameraInfo(
        header=header, width=camera.width, height=camera.height, distortion_model='plumb_bob',
        d=[0.0] * 5, k=[fx, 0.0, cx, 0.0, fy, cy, 0.0, 0.0, 1.0],
        r=[1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0],
        p=[fx, 0.0, cx, camera.tx, 0.0, fy, cy, 0.0, 0.0, 0.0, 1.0, 0.0])


def depth_pixels(
    depth_m: NDArray[np.float32], encoding: str,
) -> NDArray[np.float32] | NDArray[np.uint16]:
    """
    Return depth as REP 118 wants it.

    :param depth_m: (H, W) float32 metres, NaN where unknown.
    :param encoding: '32FC1' metres with NaN, or '16UC1' millimetres with 0.
    """
    return depth_m if encoding == '32FC1' else encode_depth_mm(depth_m)


def compressed_depth_message(
    depth_m: NDArray[np.float32], encoding: str, header: Header,
) -> CompressedImage:
    """
    Return depth as image_transport's compressedDepth plugin sends it, PNG of inverse depth.

    :param depth_m: (H, W) float32 metres, NaN where unknown.
    :param encoding: of the uncompressed image, '32FC1' or '16UC1'.
    """
    file = encode_compressed_depth(depth_pixels(depth_m, encoding))
    return CompressedImage(
        header=header, format=COMPRESSED_DEPTH_FORMATS[encoding],
        data=to_bytes(np.frombuffer(file, np.uint8)))


def scene_message(depth: DepthMap, header: Header) -> DiagnosticArray:
    """Return the routed domain, its probability and how long it stands."""
    facts = {'domain': depth.domain, 'probability': f'{depth.domain_probability:.6f}'}
    if depth.since_change_s is not None:
        facts['since_change_s'] = f'{depth.since_change_s:.3f}'
    status = DiagnosticStatus(
        level=DiagnosticStatus.OK, name='scene', message=depth.domain, values=key_values(facts))
    return DiagnosticArray(header=header, status=[status])


def scale_message(depth: DepthMap, source: str, header: Header) -> DiagnosticArray:
    """Return what depth was multiplied with, how sure that is, and by which source."""
    scale = depth.scale or Scale(1.0, 0.0)
    status = DiagnosticStatus(
        level=DiagnosticStatus.OK, name='scale', message=source, values=key_values({
            'factor': f'{scale.factor:.6f}', 'confidence': f'{scale.confidence:.6f}',
            'source': source}))
    return DiagnosticArray(header=header, status=[status])


def diagnostics_status(
    name: str, diagnosis: Diagnosis, facts: Snapshot, more: Mapping[str, str],
) -> DiagnosticStatus:
    """
    Return how a camera's depth is, and its figures.

    :param name: the node's and the camera's.
    :param more: further facts, among them 'device'.
    """
    values = {key: f'{value:.3f}' if isinstance(value, float) else str(value)
              for key, value in asdict(facts).items()}
    return DiagnosticStatus(
        level=DiagnosticStatus.OK if diagnosis.is_well else DiagnosticStatus.WARN,
        name=name, message=diagnosis.text, hardware_id=more['device'],
        values=key_values({**values, **more}))


def key_values(facts: Mapping[str, str]) -> list[KeyValue]:
    """Return facts as diagnostics values."""
    return [KeyValue(key=key, value=value) for key, value in facts.items()]
