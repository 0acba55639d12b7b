# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""All bags of a run, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextlib import contextmanager
from contextlib import nullcontext
from dataclasses import replace
import fcntl
from functools import cache
from pathlib import Path
import shutil

from zoe_depth_ros.bag.lenient import LenientReader
from zoe_depth_ros.bag.search import find_bags
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.offline.config import OfflineConfig
from zoe_depth_ros.offline.html import to_html
from zoe_depth_ros.offline.job import OutputPlace
from zoe_depth_ros.offline.job import plan_segments
from zoe_depth_ros.offline.job import process_bag
from zoe_depth_ros.offline.job import Progress
from zoe_depth_ros.offline.job import REPORT
from zoe_depth_ros.offline.job import unfinished_report
from zoe_depth_ros.offline.report import BagReport
from zoe_depth_ros.offline.report import Failure
from zoe_depth_ros.offline.report import RunReport
from zoe_depth_ros.offline.report import to_json
from zoe_depth_ros.offline.spread import spread

LOCK = '.lock'
PAGE = 'report.html'


def run_offline(
    paths: Sequence[Path], output: Path, config: OfflineConfig, *, force: bool = False,
    on_progress: Callable[[Progress], None] | None = None, ray: str | None = None,
) -> RunReport:
    """
    Write every bag again with the depth of its images; finished ones are not done again.

    An interrupted run leaves a report too, of what is complete.

    :param paths: bags, or folders of bags.
    :param output: folder for the bags and the report, report.json and report.html.
    :param config: how.
    :param force: replace outputs that are there already, and begin unfinished ones anew.
    :param on_progress: called after every image, on a cluster after some.
    :param ray: address of the Ray cluster to do the work; '' is the one that runs here, or else
        one of this machine alone; None is no cluster.
    :raises BagError: there is no bag, an output is there already and was made otherwise, another
        run writes to the same folder, or the disk does not take it.
    :raises WeightsError: the model cannot be loaded.
    :raises DeviceError: the network cannot compute.
    :raises ConfigError: there is no such cluster, or Ray is not installed.
    :raises KeyboardInterrupt: after the report was written, which it names.
    """
    bags = find_bags(paths, output)
    places = [OutputPlace(bag, output / bag.name, config) for bag in bags]

    @cache
    def estimator() -> DepthEstimator:
        return DepthEstimator.in_own_thread(config.node.model, config.node.estimator)

    with _locked(output):
        known = [(place, None if force else place.finished_report()) for place in places]
        for place, report in known:
            if force or report is not None:
                shutil.rmtree(place.unfinished, ignore_errors=True)
        todo = [place for place, report in known if report is None]
        outcomes: list[BagReport | Failure] = []
        try:
            with _cluster(todo, config, ray, on_progress) as await_parts:
                for place, report in known:
                    if report is None:
                        await_parts(place)
                    outcomes.append(report or _process(place, estimator, on_progress))
                    _write(output / REPORT, to_json(_run_report(outcomes)))
        except KeyboardInterrupt as interrupt:
            _write_report(output, _interrupted_report(outcomes, known[len(outcomes):]))
            raise KeyboardInterrupt(f'{output / PAGE} shows what is complete') from interrupt
        _write_report(output, _run_report(outcomes))
        return _run_report(outcomes)


def _cluster(
    places: Sequence[OutputPlace], config: OfflineConfig, ray: str | None,
    on_progress: Callable[[Progress], None] | None,
) -> AbstractContextManager[Callable[[OutputPlace], None]]:
    """Give a function that waits for the parts of a bag that others do."""
    if ray is None:
        return nullcontext(lambda place: None)
    return spread(places, config.node, ray, on_progress)


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


def _interrupted_report(
    outcomes: Sequence[BagReport | Failure],
    rest: Sequence[tuple[OutputPlace, BagReport | None]],
) -> RunReport:
    report = _run_report([*outcomes, *(done for _, done in rest if done is not None)])
    return replace(report, unfinished=tuple(
        unfinished_report(place) for place, done in rest if done is None))


def _write_report(output: Path, report: RunReport) -> None:
    _write(output / REPORT, to_json(report))
    _write(output / PAGE, to_html(report))


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding='utf-8')
    except OSError as error:
        raise BagError(f'{path} cannot be written: {error}') from error


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
