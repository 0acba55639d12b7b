# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""All bags of a run, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import contextmanager
import fcntl
from functools import cache
from pathlib import Path
import shutil

from zoe_depth_ros.bag.lenient import LenientReader
from zoe_depth_ros.bag.search import find_bags
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.model.checkpoint import load_model
from zoe_depth_ros.offline.config import OfflineConfig
from zoe_depth_ros.offline.job import OutputPlace
from zoe_depth_ros.offline.job import plan_segments
from zoe_depth_ros.offline.job import process_bag
from zoe_depth_ros.offline.job import Progress
from zoe_depth_ros.offline.job import REPORT
from zoe_depth_ros.offline.report import BagReport
from zoe_depth_ros.offline.report import Failure
from zoe_depth_ros.offline.report import RunReport
from zoe_depth_ros.offline.report import to_json

LOCK = '.lock'


def run_offline(
    paths: Sequence[Path], output: Path, config: OfflineConfig, *, force: bool = False,
    on_progress: Callable[[Progress], None] | None = None,
) -> RunReport:
    """
    Write every bag again with the depth of its images; finished ones are not done again.

    :param paths: bags, or folders of bags.
    :param output: folder for the bags and the report, report.json.
    :param config: how.
    :param force: replace outputs that are there already, and begin unfinished ones anew.
    :param on_progress: called after every image.
    :raises BagError: there is no bag, an output is there already and was made otherwise, another
        run writes to the same folder, or the disk does not take it.
    :raises WeightsError: the model cannot be loaded.
    :raises DeviceError: the network cannot compute.
    """
    bags = find_bags(paths, output)
    places = [OutputPlace(bag, output / bag.name, config) for bag in bags]

    @cache
    def estimator() -> DepthEstimator:
        return DepthEstimator(load_model(config.node.model), config.node.estimator)

    with _locked(output):
        finished = [None if force else place.finished_report() for place in places]
        outcomes: list[BagReport | Failure] = []
        for place, report in zip(places, finished, strict=True):
            if force or report is not None:
                shutil.rmtree(place.unfinished, ignore_errors=True)
            outcomes.append(report or _process(place, estimator, on_progress))
            _write_report(output, _run_report(outcomes))
        return _run_report(outcomes)


def _process(
    place: OutputPlace, estimator: Callable[[], DepthEstimator],
    on_progress: Callable[[Progress], None] | None,
) -> BagReport | Failure:
    try:
        bag = LenientReader(place.bag.path)
    except BagError as error:
        return Failure(str(place.bag.path), str(error))
    with bag:
        try:
            jobs = plan_segments(place, bag)
        except BagError as error:
            return Failure(str(place.bag.path), str(error))
        return process_bag(place, jobs, bag, estimator, on_progress)


def _run_report(outcomes: Sequence[BagReport | Failure]) -> RunReport:
    return RunReport(
        tuple(item for item in outcomes if isinstance(item, BagReport)),
        tuple(item for item in outcomes if isinstance(item, Failure)))


def _write_report(output: Path, report: RunReport) -> None:
    try:
        (output / REPORT).write_text(to_json(report))
    except OSError as error:
        raise BagError(f'{output / REPORT} cannot be written: {error}') from error


@contextmanager
def _locked(output: Path) -> Iterator[None]:
    """Refuse to write where another run does; the lock ends with its process."""
    try:
        output.mkdir(parents=True, exist_ok=True)
        lock = (output / LOCK).open('w')
    except OSError as error:
        raise BagError(f'{output} cannot be written: {error}') from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise BagError(f'another run writes to {output}') from error
        yield
