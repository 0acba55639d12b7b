# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
One bag: cut in parts, part by part, then put together.

Until it is complete everything lies in a hidden folder beside the output: a bag and a report for
every finished part. Whoever starts the same work again goes on with the first part that lacks its
report.
"""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence
from dataclasses import asdict
from dataclasses import dataclass
from dataclasses import replace
import json
import math
import os
from pathlib import Path
import shutil
from typing import Any

from zoe_depth_ros.bag.lenient import LenientReader
from zoe_depth_ros.bag.merge import merge_bags
from zoe_depth_ros.bag.search import FoundBag
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.offline.cameras import OUTPUTS
from zoe_depth_ros.offline.cameras import plan_cameras
from zoe_depth_ros.offline.config import OfflineConfig
from zoe_depth_ros.offline.ranges import find_ranges
from zoe_depth_ros.offline.report import BagReport
from zoe_depth_ros.offline.report import from_json
from zoe_depth_ros.offline.report import merged
from zoe_depth_ros.offline.report import to_json
from zoe_depth_ros.offline.report import WorkReport
from zoe_depth_ros.offline.segment import process_segment
from zoe_depth_ros.offline.segment import SegmentJob
from zoe_depth_ros.offline.segment import SegmentProgress

REPORT = 'report.json'
IDENTITY = 'identity.json'
MOST_SEGMENTS = 10_000


@dataclass(frozen=True)
class Progress:
    """
    How far a bag has come.

    :param bag: its name.
    :param frames: images done.
    :param total: images it has.
    :param dropped: messages from which nothing came.
    """

    bag: str
    frames: int
    total: int
    dropped: int

    def after(self, frames: int, dropped: int) -> Progress:
        """Return how far the bag has come with some more images and dropped messages."""
        return replace(self, frames=self.frames + frames, dropped=self.dropped + dropped)

    def after_part(self, work: WorkReport) -> Progress:
        """Return how far the bag has come with one more part."""
        return self.after(work.frames, sum(item.count for item in work.dropped))


@dataclass(frozen=True)
class OutputPlace:
    """
    Where the output of a bag lies.

    :param bag: what is read.
    :param folder: the output, a rosbag2 directory with more files.
    :param config: how it is made.
    """

    bag: FoundBag
    folder: Path
    config: OfflineConfig

    @property
    def unfinished(self) -> Path:
        """Folder of what is not complete."""
        return self.folder.with_name(f'.{self.folder.name}.unfinished')

    @property
    def segments(self) -> Path:
        """Folder of the finished parts."""
        return self.unfinished / 'segments'

    @property
    def result(self) -> Path:
        """What becomes the output when complete."""
        return self.unfinished / 'result'

    def identity(self) -> dict[str, Any]:
        """Return what must be equal for work to be continued."""
        values = {
            'source': str(self.bag.path.resolve()), 'source_bytes': size_bytes(self.bag.path),
            'config': asdict(self.config)}
        plain: dict[str, Any] = json.loads(json.dumps(values))
        return plain

    def finished_report(self) -> BagReport | None:
        """
        Return the report of the output, None where there is no output.

        :raises BagError: there is another one.
        """
        if not self.folder.exists():
            return None
        try:
            report = from_json(BagReport, (self.folder / REPORT).read_text())
        except (OSError, BagError) as error:
            raise BagError(f'{self.folder} exists already and is no output of this') from error
        if _identity(report) != self.identity():
            raise BagError(
                f'{self.folder} exists already, made from {report.source} with other options or '
                'another state of it')
        return report


def size_bytes(bag: Path) -> int:
    """Return how many bytes a bag takes on disk."""
    files = bag.iterdir() if bag.is_dir() else [bag]
    return sum(file.stat().st_size for file in files if file.is_file())


def process_bag(
    place: OutputPlace, jobs: Sequence[SegmentJob], bag: LenientReader,
    get_estimator: Callable[[], DepthEstimator],
    on_progress: Callable[[Progress], None] | None = None,
) -> BagReport:
    """
    Write a bag with the depth of every image of another, going on where it was cut short.

    :param place: where it goes; an output that is there already is replaced at the end.
    :param jobs: its parts, by `plan_segments`.
    :param bag: the open bag, used by nobody else meanwhile.
    :param get_estimator: gives the loaded network, called if there is anything left to do.
    :param on_progress: called after every image.
    :raises BagError: the output cannot be written.
    :raises DeviceError: the network cannot compute.
    """
    done = not_begun(place, jobs)
    reports: list[WorkReport] = []
    try:
        resume(place)
        for job in jobs:
            if (report := recorded(job)) is None:
                forget(job.path)
                report = process_segment(job, bag, get_estimator(), _shown(done, on_progress))
                record(job, report)
            reports.append(report)
            done = done.after_part(report)
        return _complete(place, jobs, merged(reports))
    except OSError as error:
        raise BagError(f'{place.unfinished} cannot be written: {error}') from error


def plan_segments(place: OutputPlace, bag: LenientReader) -> list[SegmentJob]:
    """
    Cut a bag in parts of equal duration.

    :raises BagError: the bag has no camera, or several to choose from; the same of range sensors
        where one is needed.
    """
    cameras = plan_cameras(bag, place.config.images)
    made = {camera.topic(output) for camera in cameras for output in OUTPUTS}
    made -= {camera.image for camera in cameras}  # whoever wrote them
    kept = tuple(
        topic.name for topic in bag.topics
        if place.config.keeps(topic.name) and topic.name not in made)
    ranges = None if place.config.node.scale.source != 'range' else (
        find_ranges(bag, place.config.ranges, leave_out=made))
    duration_ns = max(bag.stop_ns - bag.start_ns, 1)
    step_ns = max(
        int(place.config.segment_s * 1e9), math.ceil(duration_ns / MOST_SEGMENTS))
    return [
        SegmentJob(
            number, start_ns, min(start_ns + step_ns, bag.stop_ns), cameras, kept,
            ranges, duration_ns / 1e9, place.segments / f'{number:04d}', place.result,
            place.config)
        for number, start_ns in enumerate(range(bag.start_ns, bag.stop_ns, step_ns))]


def not_begun(place: OutputPlace, jobs: Sequence[SegmentJob]) -> Progress:
    """Return the progress of a bag of which nothing is done."""
    return Progress(place.bag.name, 0, sum(camera.frames for camera in jobs[0].cameras), 0)


def resume(place: OutputPlace) -> None:
    """
    Keep what an earlier run left, if it did the same work.

    :raises BagError: it did other work.
    """
    path = place.unfinished / IDENTITY
    identity = json.dumps(place.identity())
    if not path.exists():
        forget(place.unfinished)
        place.segments.mkdir(parents=True)
        _write_text(path, identity)
    elif path.read_text() != identity:
        raise BagError(
            f'{place.unfinished} was left by a run with other options or another state of '
            f'{place.bag.path}')


def unfinished_report(place: OutputPlace) -> BagReport:
    """Return what is complete of a bag that is not, its finished parts."""
    identity = place.identity()
    path = place.unfinished / IDENTITY
    is_ours = path.exists() and json.loads(path.read_text()) == identity
    records = sorted(place.segments.glob('[0-9]*.json')) if is_ours else []
    return _bag_report(
        place, len(records), merged(from_json(WorkReport, path.read_text()) for path in records))


def recorded(job: SegmentJob) -> WorkReport | None:
    """Return what was done in a part, None where it is not complete."""
    path = job.path.with_suffix('.json')
    return from_json(WorkReport, path.read_text()) if path.exists() else None


def record(job: SegmentJob, report: WorkReport) -> None:
    """Make a part, whose bag is written, a complete one."""
    _write_text(job.path.with_suffix('.json'), to_json(report))


def forget(path: Path) -> None:
    """Remove a folder that may be there."""
    if path.exists():
        shutil.rmtree(path)


def _shown(
    done: Progress, on_progress: Callable[[Progress], None] | None,
) -> Callable[[SegmentProgress], None] | None:
    if on_progress is None:
        return None
    return lambda progress: on_progress(done.after(progress.frames, progress.dropped))


def _complete(place: OutputPlace, jobs: Sequence[SegmentJob], work: WorkReport) -> BagReport:
    report = _bag_report(place, len(jobs), work)
    merge_bags([job.path for job in jobs], place.result, place.folder.name)
    _write_text(place.result / REPORT, to_json(report))
    forget(place.folder)
    os.replace(place.result, place.folder)
    forget(place.unfinished)
    return report


def _bag_report(place: OutputPlace, segments: int, work: WorkReport) -> BagReport:
    return BagReport(place.bag.name, **place.identity(), segments=segments, work=work)


def _identity(report: BagReport) -> dict[str, Any]:
    return {'source': report.source, 'source_bytes': report.source_bytes, 'config': report.config}


def _write_text(path: Path, text: str) -> None:
    unfinished = path.with_name(f'.{path.name}')
    unfinished.write_text(text)
    os.replace(unfinished, path)
