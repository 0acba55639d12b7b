# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A recording for the Rerun viewer, written while a bag is read."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zoe_depth_ros.bag.decode import ColoredPoints
from zoe_depth_ros.bag.decode import Scene
from zoe_depth_ros.camera import Calibration
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.frame_forest import FrameForest
from zoe_depth_ros.view.layout import layout
from zoe_depth_ros.view.layout import TIMELINE
from zoe_depth_ros.view.sdk import rr
from zoe_depth_ros.view.sink import PipedFile
from zoe_depth_ros.view.streams import DEPTH
from zoe_depth_ros.view.streams import SCENE
from zoe_depth_ros.view.streams import Stream

if TYPE_CHECKING:
    from types import TracebackType

JPEG_QUALITY = 90
COLORMAPS = {DEPTH: 'turbo'}
OTHER_COLORMAP = 'viridis'


class Recording:
    """
    A .rrd file in a `with` statement; it appears when complete or not at all.

    Everything is at its header's stamp. What was measured in a frame lies below that frame, and
    the frame below the root of its tree; what hangs together by no transform is in other spaces.

    :param path: file to make.
    :param name: what the viewer calls it.
    :param streams: what it will hold.
    :param forest: where the frames are.
    :raises BagError: it cannot be made.
    """

    def __init__(
        self, path: Path, name: str, streams: Sequence[Stream], forest: FrameForest,
    ) -> None:
        self._path = path
        self._unfinished = path.with_name(f'.unfinished_{path.name}')
        self._forest = forest
        self._entities = {stream: self._entity(stream) for stream in streams}
        self._positions_m: dict[str, list[NDArray[np.float64]]] = defaultdict(list)
        frames = {stream.frame for stream in streams if stream.kind != SCENE}
        roots = sorted({forest.root(frame) for frame in frames})
        self._recording = rr.RecordingStream('zoe_depth')
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = PipedFile(self._unfinished)
            self._recording.save(
                self._file.pipe, layout(self._entities, [_path(root) for root in roots]))
        except (OSError, RuntimeError) as error:
            raise BagError(f'{path} cannot be written: {error}') from error
        self._recording.send_recording_name(name)
        for root in roots:
            # A root that measures is a camera's optical frame, others are level (REP 103).
            up = rr.ViewCoordinates.RDF if root in frames else rr.ViewCoordinates.FLU
            self._recording.log(_path(root), up, static=True)

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        try:
            if kind is None:
                self._add_trajectories()
            self._close(is_complete=kind is None)
        finally:
            self._unfinished.unlink(missing_ok=True)

    def add_image(
        self, stream: Stream, stamp_ns: int, rgb: NDArray[np.uint8],
        calibration: Calibration | None,
    ) -> None:
        """
        Add an image, compressed as JPEG.

        :param stamp_ns: of its header, nanoseconds.
        :param rgb: (H, W, 3) uint8 RGB.
        :param calibration: of its camera, None where it is unknown.
        """
        self._add_picture(
            stream, stamp_ns, rr.Image(rgb).compress(jpeg_quality=JPEG_QUALITY), calibration)

    def add_depth(
        self, stream: Stream, stamp_ns: int, depth_m: NDArray[np.float32],
        calibration: Calibration | None,
    ) -> None:
        """
        Add depth or its standard deviation.

        :param stamp_ns: of its header, nanoseconds.
        :param depth_m: (H, W) float32, metres, NaN where unknown.
        :param calibration: of its camera, None where it is unknown.
        """
        colormap = COLORMAPS.get(stream.kind, OTHER_COLORMAP)
        self._add_picture(
            stream, stamp_ns, rr.DepthImage(depth_m, meter=1.0, colormap=colormap), calibration)

    def add_points(self, stream: Stream, stamp_ns: int, cloud: ColoredPoints) -> None:
        """
        Add the known points of a cloud.

        :param stamp_ns: of its header, nanoseconds.
        """
        known = np.isfinite(cloud.points_m).all(axis=1)
        self._add_frame(stream.frame, stamp_ns)
        self._log(stream, rr.Points3D(cloud.points_m[known], colors=cloud.rgb[known]))

    def add_scene(self, stream: Stream, stamp_ns: int, scene: Scene) -> None:
        """
        Add a domain and its probability.

        :param stamp_ns: of its header, nanoseconds.
        """
        self._set_time(stamp_ns)
        self._log(stream, rr.StateChange(state=scene.domain))
        self._recording.log(
            f'{self._entities[stream]}/probability', rr.Scalars(scene.probability))

    def add_pose(self, frame: str, stamp_ns: int) -> None:
        """
        Add where a frame is to its trajectory.

        :param stamp_ns: when, nanoseconds.
        """
        self._positions_m[frame].append(self._forest.root_from(frame, stamp_ns)[:3, 3])

    def _add_picture(
        self, stream: Stream, stamp_ns: int, picture: Any, calibration: Calibration | None,
    ) -> None:
        self._add_frame(stream.frame, stamp_ns)
        if calibration is not None:
            self._log(stream, _pinhole(stream, calibration))
        self._log(stream, picture)

    def _add_frame(self, frame: str, stamp_ns: int) -> None:
        self._set_time(stamp_ns)
        root = self._forest.root(frame)
        if root == frame:
            return
        matrix = self._forest.root_from(frame, stamp_ns)
        self._recording.log(
            _path(root, frame), rr.Transform3D(translation=matrix[:3, 3], mat3x3=matrix[:3, :3]))
        self.add_pose(frame, stamp_ns)

    def _close(self, *, is_complete: bool) -> None:
        self._recording.disconnect()
        try:
            self._file.close()
            if is_complete:
                self._unfinished.replace(self._path)
        except OSError as error:
            raise BagError(f'{self._path} cannot be written: {error}') from error

    def _add_trajectories(self) -> None:
        for frame, positions_m in self._positions_m.items():
            path_m = np.array(positions_m)
            if np.ptp(path_m, axis=0).any():
                self._recording.log(
                    _path(self._forest.root(frame), f'trajectory of {frame}'),
                    rr.LineStrips3D([path_m]), static=True)

    def _set_time(self, stamp_ns: int) -> None:
        self._recording.set_time(TIMELINE, timestamp=np.datetime64(stamp_ns, 'ns'))

    def _log(self, stream: Stream, content: Any) -> None:
        self._recording.log(self._entities[stream], content)

    def _entity(self, stream: Stream) -> str:
        topic = stream.topic.strip('/').split('/')
        if stream.kind == SCENE:
            return _path(*topic)
        root = self._forest.root(stream.frame)
        return _path(root, *([stream.frame] if stream.frame != root else []), *topic)


def _path(*parts: str) -> str:
    return str(rr.new_entity_path(list(parts)))


def _pinhole(stream: Stream, calibration: Calibration) -> Any:
    """Return the camera of a stream; of a raw image without its distortion."""
    width, height = calibration.image_size
    if not stream.is_rectified:
        matrix = np.reshape(calibration.raw_matrix(), (3, 3))
    else:
        camera = calibration.rectified_camera()
        matrix = np.array([[camera.fx, 0, camera.cx], [0, camera.fy, camera.cy], [0, 0, 1]])
    return rr.Pinhole(image_from_camera=matrix, resolution=(width, height))
