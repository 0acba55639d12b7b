# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
An image and a lidar scan as a folder that `zoe_depth evaluate --folder` takes.

    .venv/bin/pip install pypcd4
    PYTHONPATH=. .venv/bin/python benchmarks/lidar_folder.py lidar_road road
    zoe_depth evaluate --folder road --domain outdoor --one-scale

The input has the layout of PJLab-ADG/SensorsCalibration: calib.png, calib.pcd, the camera's
*-intrinsic.json and the lidar's *-extrinsic.json. The image is undistorted; where several returns
fall on a pixel the nearest counts.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import cv2
import numpy as np
from pypcd4 import PointCloud

from zoe_depth_ros.camera import Calibration
from zoe_depth_ros.geometry import Rectifier
from zoe_depth_ros.ranges import transformed


def parameters(folder: Path, pattern: str) -> dict:
    file, = folder.glob(pattern)
    return next(iter(json.loads(file.read_text()).values()))['param']


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('scan', type=Path, help='folder with image, scan and calibration')
    parser.add_argument('output', type=Path)
    options = parser.parse_args()
    image = cv2.imread(str(options.scan / 'calib.png'))
    lens = parameters(options.scan, '*-intrinsic.json')
    pose = parameters(options.scan, '*-extrinsic.json')['sensor_calib']['data']
    rectifier = Rectifier(Calibration(
        image.shape[1], image.shape[0], tuple(np.ravel(lens['cam_K']['data'])),
        tuple(np.ravel(lens['cam_dist']['data']))))
    camera = rectifier.camera
    points = PointCloud.from_path(options.scan / 'calib.pcd').numpy(('x', 'y', 'z'))
    x, y, z = transformed(points, np.array(pose)).T
    seen = z > 0
    u = np.rint(camera.fx * x[seen] / z[seen] + camera.cx)
    v = np.rint(camera.fy * y[seen] / z[seen] + camera.cy)
    inside = (u >= 0) & (u < camera.width) & (v >= 0) & (v < camera.height)
    depth_m = np.full(camera.size_hw, np.inf, np.float32)
    np.minimum.at(depth_m, (v[inside].astype(int), u[inside].astype(int)), z[seen][inside])
    depth_m[np.isinf(depth_m)] = np.nan
    for name in ('images', 'depth'):
        (options.output / name).mkdir(parents=True, exist_ok=True)
    cv2.imwrite(str(options.output / 'images' / 'road.png'), rectifier.rectify(image))
    np.save(options.output / 'depth' / 'road.npy', depth_m)
    np.savetxt(options.output / 'K.txt', [
        [camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    print(f'{np.isfinite(depth_m).sum()} pixels with depth, '
          f'{np.nanmin(depth_m):.1f} to {np.nanmax(depth_m):.1f} m')


if __name__ == '__main__':
    main()
