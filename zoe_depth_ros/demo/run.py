# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The demo from end to end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
import time

from tqdm import tqdm

from zoe_depth_ros.bag.drive import write_drive
from zoe_depth_ros.bag.reader import BagReader
from zoe_depth_ros.bag.topics import find_camera
from zoe_depth_ros.bag.topics import find_depth
from zoe_depth_ros.demo.folder import OutputFolder
from zoe_depth_ros.demo.judge import judge_recording
from zoe_depth_ros.demo.live import LiveFiles
from zoe_depth_ros.demo.live import play_live
from zoe_depth_ros.demo.pictures import paint_clouds
from zoe_depth_ros.demo.pictures import paint_preview
from zoe_depth_ros.demo.report import DemoReport
from zoe_depth_ros.demo.report import make_report
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.worlds import doorway_drive

DRIVE_SEED = 3
DRIVE_SIZE_HW = (480, 640)
DRIVE_SECONDS = 12.0


@dataclass(frozen=True)
class DemoOptions:
    """
    What to play, and to which model.

    :param bag: bag to play, None for a generated drive out of a corridor into a street.
    :param image: its image topic, None for the only one.
    :param model: weights as the node takes them.
    :param output: folder for everything the demo writes.
    :param seconds: how much to play; None for all of a bag, and 12 of a generated drive.
    :param fps: frames a second of a generated drive.
    """

    bag: Path | None = None
    image: str | None = None
    model: str = 'zoed_mini_nk'
    output: Path = Path('demo_output')
    seconds: float | None = None
    fps: float = 15.0

    def __post_init__(self) -> None:
        for name in ('seconds', 'fps'):
            value = getattr(self, name)
            if value is not None and not value > 0:
                raise ConfigError(f'{name} = {value} is not positive')


def run_demo(options: DemoOptions) -> DemoReport:
    """
    Play a bag to a live depth node; record, judge and picture what comes out.

    :raises ZoeDepthError: the bag, the node or the output folder cannot be used.
    """
    folder = OutputFolder(options.output, keep=options.bag)
    source_path = options.bag or _generated_drive(options, folder.claim('drive'))
    files = LiveFiles(
        folder.claim('recording'), folder.claim('depth_node.log'), folder.claim('fast_dds.xml'))
    with BagReader(source_path) as source:
        camera = find_camera(source, options.image)
        truth = find_depth(source, camera.image)
        live = play_live(source, camera, options.model, options.seconds, files)
        results = judge_recording(files.recording, source, truth)
        paint_preview(files.recording, source, truth, results, folder.claim('preview.png'))
        paint_clouds(files.recording, results, folder.claim('cloud.png'))
    return make_report(live, results)


def _generated_drive(options: DemoOptions, path: Path) -> Path:
    frames = max(2, round((options.seconds or DRIVE_SECONDS) * options.fps))
    drive = doorway_drive(DRIVE_SEED, DRIVE_SIZE_HW, frames, options.fps)
    write_drive(tqdm(drive, 'drawing', frames, unit=' images', disable=None), path, time.time_ns())
    return path
