# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`zoe_depth view`: recordings are read back with the library's own reader."""

from __future__ import annotations

from collections import defaultdict
from contextlib import suppress
import os
from pathlib import Path
import resource
import signal
import socket
import subprocess
import sys
import time
from typing import Any
from urllib.request import urlopen

from bag_helpers import changed
import cv2
import numpy as np
from offline_helpers import bag_of
from offline_helpers import CAMERA
from offline_helpers import header
from offline_helpers import make
from offline_helpers import recording
from offline_helpers import text
import pytest
from view_helpers import odometry
from view_helpers import tf
from view_helpers import yaw

from zoe_depth_ros import cli
from zoe_depth_ros.bag.decode import colored_points
from zoe_depth_ros.bag.decode import depth
from zoe_depth_ros.bag.decode import Scene
from zoe_depth_ros.bag.encode import camera_info_message
from zoe_depth_ros.bag.encode import cloud_message
from zoe_depth_ros.bag.encode import image_message
from zoe_depth_ros.bag.encode import scene_message
from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.camera import Camera
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.geometry import point_cloud

chunk = pytest.importorskip('rerun.chunk')
view = pytest.importorskip('zoe_depth_ros.view.run')

SMALL = Camera(12, 8, 10.0, 11.0, 5.0, 4.0)
INFO, IMAGE, DEPTH = '/camera/camera_info', '/camera/image_raw', '/camera/depth/image_raw'
STD_DEV, POINTS, SCENE = '/node/depth/std_dev', '/node/points', '/node/scene'
RAMP_M = np.linspace(0.1, 9, 96, dtype=np.float32).reshape(8, 12)
RAMP_M[0, :3] = np.nan
GRAY = np.repeat(np.linspace(40, 200, 96).reshape(8, 12, 1), 3, axis=2).astype(np.uint8)


def image(number: int):
    return image_message(IMAGE, GRAY, 'rgb8', header(number))


def info(number: int, camera: Camera = SMALL):
    return camera_info_message(INFO, camera, header(number))


def depths(number: int, topic: str = DEPTH):
    return image_message(topic, RAMP_M + number, '32FC1', header(number))


def cloud(number: int):
    return cloud_message(
        POINTS, point_cloud(RAMP_M, GRAY, SMALL, organized=True), header(number))


def scenes(number: int, domain: str, probability: float):
    return scene_message(SCENE, Scene(domain, probability), header(number))


class Shown:
    """What a recording holds: rows (stamp in ns, values) by entity and component."""

    def __init__(self, path: Path) -> None:
        self.rows: dict[tuple[str, str], list[tuple[int | None, Any]]] = defaultdict(list)
        for part in chunk.RrdReader(path).stream():
            batch = part.to_record_batch()
            names = batch.schema.names
            stamps = (batch.column('stamp').cast('int64').to_pylist() if 'stamp' in names
                      else [None] * batch.num_rows)
            for name in names:
                if ':' in name:
                    for stamp_ns, value in zip(
                            stamps, batch.column(name).to_pylist(), strict=True):
                        if value is not None:
                            self.rows[part.entity_path, name].append((stamp_ns, value))

    def values(self, entity: str, component: str) -> list[Any]:
        return [value for _, value in self.of(entity, component)]

    def of(self, entity: str, component: str) -> list[tuple[int | None, Any]]:
        return sorted(self.rows[entity, component], key=lambda row: row[0] or 0)

    def stamps(self, entity: str, component: str) -> list[int]:
        """Return frame numbers."""
        return [(stamp_ns - header(0).stamp_ns) / (header(1).stamp_ns - header(0).stamp_ns)
                for stamp_ns, _ in self.of(entity, component)]

    def depths_m(self, entity: str) -> list[np.ndarray]:
        sizes = self.values(entity, 'DepthImage:format')
        return [
            np.frombuffer(bytes(buffer[0]), np.float32).reshape(
                sizes[0][0]['height'], sizes[0][0]['width'])
            for buffer in self.values(entity, 'DepthImage:buffer')]

    def lines(self, entity: str) -> np.ndarray:
        (_, (strip,)), = self.of(entity, 'LineStrips3D:strips')
        return np.array(strip)


def shown(tmp_path: Path, messages: list, **options) -> Shown:
    view.write_recording(bag_of(tmp_path / 'b', messages), tmp_path / 'b.rrd', **options)
    return Shown(tmp_path / 'b.rrd')


# What is seen


def test_view_holds_depth_and_its_deviation_to_the_last_bit(tmp_path):
    found = shown(tmp_path, [info(0), depths(0), depths(1), depths(1, STD_DEV)])
    np.testing.assert_array_equal(
        found.depths_m(f'/eye{DEPTH}'), [RAMP_M, RAMP_M + 1])
    np.testing.assert_array_equal(found.depths_m(f'/eye{STD_DEV}'), [RAMP_M + 1])
    assert found.values(f'/eye{DEPTH}', 'DepthImage:meter') == [[1.0]] * 2


def test_view_holds_the_image_at_the_stamp_of_its_header(tmp_path):
    found = shown(tmp_path, [image(0), image(3)])
    assert found.stamps(f'/eye{IMAGE}', 'EncodedImage:blob') == [0, 3]
    file, = found.values(f'/eye{IMAGE}', 'EncodedImage:blob')[0]
    assert np.abs(cv2.imdecode(np.array(file, np.uint8), 1) - GRAY.astype(int)).max() < 12


def test_view_gives_the_image_its_own_camera_and_depth_the_rectified_one(tmp_path):
    p = np.array([20.0, 0, 6, 0, 0, 21, 3, 0, 0, 0, 1, 0])
    found = shown(tmp_path, [image(0), depths(0), changed(info(0), p=p)])
    columns = 'Pinhole:image_from_camera'  # a matrix column by column
    assert found.values(f'/eye{IMAGE}', columns) == [[[10, 0, 0, 0, 11, 0, 5, 4, 1]]]
    assert found.values(f'/eye{DEPTH}', columns) == [[[20, 0, 0, 0, 21, 0, 6, 3, 1]]]
    assert found.values(f'/eye{IMAGE}', 'Pinhole:resolution') == [[[12, 8]]]


def test_view_gives_what_a_node_undistorted_the_camera_of_its_depth(tmp_path):
    rect = image_message('/depth_node/image_rect', GRAY, 'rgb8', header(0))
    own = camera_info_message('/depth_node/depth/camera_info', SMALL, header(0))
    found = shown(tmp_path, [info(0, Camera(12, 8, 3.0, 3.0, 5.0, 4.0)), own, rect])
    assert found.values('/eye/depth_node/image_rect', 'Pinhole:image_from_camera') == [
        [[10, 0, 0, 0, 11, 0, 5, 4, 1]]]


def test_view_has_no_camera_for_images_of_another_size(tmp_path):
    found = shown(tmp_path, [image(0), info(0, SMALL.resized(24, 16))])
    assert ('/eye/camera/image_raw', 'Pinhole:resolution') not in found.rows


def test_view_holds_the_known_points_with_their_colours(tmp_path):
    found = shown(tmp_path, [cloud(0)])
    positions, = found.values(f'/eye{POINTS}', 'Points3D:positions')
    colors, = found.values(f'/eye{POINTS}', 'Points3D:colors')
    assert len(positions) == 93
    z_m = RAMP_M[7, 11]
    np.testing.assert_allclose(positions[-1], [(11 - 5) / 10 * z_m, (7 - 4) / 11 * z_m, z_m])
    assert colors[-1] == 200 << 24 | 200 << 16 | 200 << 8 | 255


def test_view_holds_domain_and_probability_over_time(tmp_path):
    found = shown(tmp_path, [scenes(0, 'indoor', 0.75), scenes(2, 'outdoor', 0.5)])
    assert found.values(SCENE, 'StateChange:state') == [['indoor'], ['outdoor']]
    assert found.values(f'{SCENE}/probability', 'Scalars:scalars') == [[0.75], [0.5]]
    assert found.stamps(SCENE, 'StateChange:state') == [0, 2]


def test_view_holds_one_of_n_frames_and_keeps_together_what_belongs_together(tmp_path):
    messages = [depths(0), image(0), depths(1), image(1), image(2), depths(3), image(3), image(4),
                depths(4), scenes(1, 'indoor', 1.0)]
    found = shown(tmp_path, messages, every=2)
    assert found.stamps(f'/eye{IMAGE}', 'EncodedImage:blob') == [0, 2, 4]
    assert found.stamps(f'/eye{DEPTH}', 'DepthImage:buffer') == [0, 4]
    assert found.stamps(SCENE, 'StateChange:state') == [1]


def test_view_shows_what_the_bag_tool_writes(tmp_path, weights, one_thread):
    make(weights, bag_of(tmp_path / 'a', recording(2)), output=tmp_path / 'o')
    report = view.write_recording(tmp_path / 'o' / 'a', tmp_path / 'a.rrd')
    assert report.is_whole
    assert report.shown == {
        IMAGE: 2, '/depth_node/depth/image': 2, '/depth_node/depth/std_dev': 2,
        '/depth_node/points': 2, '/depth_node/scene': 2}
    found = Shown(tmp_path / 'a.rrd')
    with BagReader(tmp_path / 'o' / 'a') as bag:
        written_m = [depth(item) for item in bag.messages(['/depth_node/depth/image'])]
        points = [colored_points(item) for item in bag.messages(['/depth_node/points'])]
    np.testing.assert_array_equal(found.depths_m('/eye/depth_node/depth/image'), written_m)
    positions = found.values('/eye/depth_node/points', 'Points3D:positions')
    known = points[0].points_m[np.isfinite(points[0].points_m).all(axis=1)]
    np.testing.assert_array_equal(np.array(positions[0], np.float32), known)
    matrix, = found.values('/eye/depth_node/depth/image', 'Pinhole:image_from_camera')[0]
    assert matrix == [CAMERA.fx, 0, 0, 0, CAMERA.fy, 0, CAMERA.cx, CAMERA.cy, 1]


# Where it is


def moving() -> list:
    """Return a camera that looks to the left of a base, which drives 4 m in two steps."""
    mount = tf(header(0).stamp_ns, 'base', 'eye', (0, 1, 0), yaw(90), '/tf_static')
    drive = [tf(header(n).stamp_ns, 'odom', 'base', (2 * n, 0, 0)) for n in (0, 2)]
    return [mount, *drive, *(image(n) for n in range(3)), info(0)]


def test_view_places_the_camera_between_the_transforms(tmp_path):
    found = shown(tmp_path, moving())
    translations = found.values('/odom/eye', 'Transform3D:translation')
    assert translations == [[[0, 1, 0]], [[2, 1, 0]], [[4, 1, 0]]]
    matrix, = found.values('/odom/eye', 'Transform3D:mat3x3')[1]  # column by column
    np.testing.assert_allclose(matrix, [0, 1, 0, -1, 0, 0, 0, 0, 1], atol=1e-6)
    assert found.stamps('/odom/eye', 'Transform3D:translation') == [0, 1, 2]
    assert len(found.values(f'/odom/eye{IMAGE}', 'EncodedImage:blob')) == 3


def test_view_draws_the_trajectory_of_the_camera(tmp_path):
    found = shown(tmp_path, moving())
    assert found.lines('/odom/trajectory\\ of\\ eye').tolist() == [
        [0, 1, 0], [2, 1, 0], [4, 1, 0]]


def test_view_draws_no_trajectory_of_a_camera_at_rest(tmp_path):
    found = shown(tmp_path, [tf(0, 'map', 'eye', (1, 0, 0)), image(0), image(1)])
    assert not [entity for entity, _ in found.rows if 'trajectory' in entity]


def test_view_takes_odometry_where_there_is_no_transform(tmp_path):
    drive = [odometry(header(n).stamp_ns, 'odom', 'base', (n, 0, 0)) for n in (0, 1)]
    mount = tf(0, 'base', 'eye', (0, 0, 1), topic='/tf_static')
    found = shown(tmp_path, [mount, *drive, image(0), image(1)])
    assert found.lines('/odom/trajectory\\ of\\ base').tolist() == [[0, 0, 0], [1, 0, 0]]
    assert found.lines('/odom/trajectory\\ of\\ eye').tolist() == [[0, 0, 1], [1, 0, 1]]


def test_view_keeps_odometry_apart_from_a_camera_it_does_not_carry(tmp_path):
    drive = [odometry(header(n).stamp_ns, 'odom', 'base', (n, 0, 0)) for n in (0, 1)]
    found = shown(tmp_path, [*drive, image(0)])
    assert ('/eye/camera/image_raw', 'EncodedImage:blob') in found.rows
    assert found.lines('/odom/trajectory\\ of\\ base').tolist() == [[0, 0, 0], [1, 0, 0]]


def test_view_stands_level_where_the_root_is_and_looks_ahead_where_a_camera_is(tmp_path):
    found = shown(tmp_path, moving())
    assert found.values('/odom', 'ViewCoordinates:xyz') == [[[5, 4, 1]]]  # forward, left, up
    (tmp_path / 'c').mkdir()
    found = shown(tmp_path / 'c', [image(0)])
    assert found.values('/eye', 'ViewCoordinates:xyz') == [[[3, 2, 5]]]  # right, down, forward


# What goes wrong


def test_view_tells_what_it_could_not_use(tmp_path):
    messages = [image(0), changed(image(1), encoding='yuv9'), tf(0, 'a', 'b', (0, 0, 0), (0,) * 4)]
    report = view.write_recording(bag_of(tmp_path / 'b', messages), tmp_path / 'b.rrd')
    assert not report.is_whole
    assert report.shown == {IMAGE: 1}
    assert {topic for topic, _ in report.dropped} == {IMAGE, '/tf'}
    assert any('yuv9' in reason for _, reason in report.dropped)


def test_view_reads_a_damaged_bag_as_far_as_it_goes(tmp_path, capsys):
    path = bag_of(tmp_path / 'b', [image(0), image(1)])
    file = path / 'b.mcap'
    file.write_bytes(file.read_bytes()[:-100])
    assert cli.main(['view', str(path)]) == 1
    assert f'{IMAGE}: 2 shown' in capsys.readouterr().out


def test_view_refuses_a_bag_without_anything_to_see(tmp_path):
    with pytest.raises(BagError, match='to look at: /chatter'):
        shown(tmp_path, [text(0)])


def test_view_leaves_nothing_behind_on_a_full_disk(tmp_path):
    path = bag_of(tmp_path / 'b', [depths(n) for n in range(300)])
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, usual[1]))
    try:
        with pytest.raises(BagError, match=r'b\.rrd cannot be written'):
            view.write_recording(path, tmp_path / 'b.rrd')
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert sorted(os.listdir(tmp_path)) == ['b']


def test_view_refuses_a_place_where_no_file_can_be(tmp_path):
    path = bag_of(tmp_path / 'b', [image(0)])
    with pytest.raises(BagError, match='cannot be written'):
        view.write_recording(path, path / 'metadata.yaml' / 'b.rrd')


# The command


def test_cli_view_writes_beside_the_bag_and_does_not_overwrite(tmp_path, capsys):
    path = bag_of(tmp_path / 'run.1', [image(0)])
    assert cli.main(['view', str(path)]) == 0
    assert f'the recording is {tmp_path / "run.1.rrd"}' in capsys.readouterr().out
    assert Shown(tmp_path / 'run.1.rrd').stamps(f'/eye{IMAGE}', 'EncodedImage:blob') == [0]
    assert cli.main(['view', str(path)]) == 2
    assert 'exists already' in capsys.readouterr().err
    assert cli.main(['view', str(path), '--force']) == 0


def test_cli_view_tells_the_size_of_a_frame(tmp_path, capsys):
    path = bag_of(tmp_path / 'b', [message for n in range(6) for message in (depths(n), cloud(n))])
    assert cli.main(['view', str(path), '--every', '2']) == 0
    size_mb = (tmp_path / 'b.rrd').stat().st_size / 1e6
    assert capsys.readouterr().out.splitlines()[-1].endswith(
        f'.rrd, {size_mb:.1f} MB, {size_mb / 3:.1f} MB a frame')


def test_cli_view_names_a_file_without_its_suffix(tmp_path):
    path = bag_of(tmp_path / 'run', [image(0)])
    assert view.recording_path(path / 'run.mcap') == path / 'run.rrd'
    assert view.recording_path(path) == tmp_path / 'run.rrd'


def test_cli_view_refuses_to_show_one_of_no_frames(tmp_path, capsys):
    path = bag_of(tmp_path / 'b', [image(0)])
    assert cli.main(['view', str(path), '--every', '0']) == 2
    assert 'every = 0' in capsys.readouterr().err


def test_cli_view_serves_the_recording_to_a_browser(tmp_path):
    path = bag_of(tmp_path / 'b', [image(0)])
    with socket.socket() as free:
        free.bind(('127.0.0.1', 0))
        port = free.getsockname()[1]
    command = [sys.executable, '-m', 'zoe_depth_ros.cli', 'view', str(path), '--web', str(port)]
    root = Path(__file__).parents[1]
    with subprocess.Popen(command, cwd=root, start_new_session=True) as viewer:
        try:
            assert b'<title>Rerun Viewer</title>' in answer(f'http://127.0.0.1:{port}')
        finally:
            os.killpg(viewer.pid, signal.SIGINT)
            code = ended(viewer)
        assert code == 0


def ended(viewer: subprocess.Popen[bytes]) -> int:
    """Return the exit code of a viewer, which is killed if it does not end by itself."""
    try:
        return viewer.wait(20)
    except subprocess.TimeoutExpired:
        os.killpg(viewer.pid, signal.SIGKILL)
        return viewer.wait()


def answer(url: str) -> bytes:
    """Return a page as soon as there is one."""
    end_s = time.monotonic() + 60
    while time.monotonic() < end_s:
        with suppress(OSError), urlopen(url, timeout=5) as page:
            return page.read()
        time.sleep(0.2)
    raise TimeoutError(url)
