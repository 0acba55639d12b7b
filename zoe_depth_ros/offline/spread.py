# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
The parts of bags, done by a Ray cluster.

A worker writes the bag of a part under a name of its own. The driver alone gives it its place and
records it, so that a worker that is lost, or thought to be, leaves nothing behind that counts.
"""

from __future__ import annotations

from collections import Counter
from collections import deque
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from contextlib import AbstractContextManager
from contextlib import closing
from contextlib import contextmanager
from contextlib import nullcontext
from dataclasses import dataclass
from dataclasses import replace
from importlib import import_module
import logging
import os
from pathlib import Path
from typing import Any
from uuid import uuid4

from zoe_depth_ros.bag.lenient import LenientReader
from zoe_depth_ros.errors import BagError
from zoe_depth_ros.errors import ConfigError
from zoe_depth_ros.errors import ZoeDepthError
from zoe_depth_ros.inference import DepthEstimator
from zoe_depth_ros.offline.job import forget
from zoe_depth_ros.offline.job import not_begun
from zoe_depth_ros.offline.job import OutputPlace
from zoe_depth_ros.offline.job import plan_segments
from zoe_depth_ros.offline.job import Progress
from zoe_depth_ros.offline.job import record
from zoe_depth_ros.offline.job import recorded
from zoe_depth_ros.offline.job import resume
from zoe_depth_ros.offline.report import WorkReport
from zoe_depth_ros.offline.segment import process_segment
from zoe_depth_ros.offline.segment import SegmentJob
from zoe_depth_ros.offline.segment import SegmentProgress
from zoe_depth_ros.options import NodeConfig

LOGGER = logging.getLogger(__name__)
CPUS_PER_WORKER = 4
MOST_LOSSES = 3
# How often progress is shown.
PERIOD_S = 0.5
DEATH_S = 10.0


@dataclass(frozen=True)
class _Part:
    """A part of a bag to do."""

    place: OutputPlace
    job: SegmentJob


@dataclass(frozen=True)
class _Run:
    """What a worker, an actor with some share of the cluster, is at; no part while it loads."""

    worker: Any
    share: dict[str, int]
    part: _Part | None = None
    output: Path = Path()


class Worker:
    """
    A process with the network in memory, somewhere on the cluster.

    :param node: options of the network.
    :param news: queue that takes (bag to write, how far it has come).
    """

    def __init__(self, node: NodeConfig, news: Any) -> None:
        self._node = node
        self._news = news
        self._bag: LenientReader | None = None

    def load(self) -> None:
        """Load the network."""
        self._estimator = DepthEstimator.in_own_thread(self._node.model, self._node.estimator)

    def process(self, source: Path, job: SegmentJob) -> WorkReport:
        """Do a part of a bag, which stays open: a damaged one is read to its end to open it."""
        if self._bag is None or self._bag.path != source:
            if self._bag is not None:
                self._bag.close()
            self._bag = LenientReader(source)
        return process_segment(
            job, self._bag, self._estimator,
            lambda progress: self._news.put_nowait((job.path, progress)))


@contextmanager
def spread(
    places: Sequence[OutputPlace], node: NodeConfig, address: str,
    on_progress: Callable[[Progress], None] | None,
) -> Iterator[Callable[[OutputPlace], None]]:
    """
    Do the parts of bags on a Ray cluster; give a function that waits for those of one bag.

    Bags, outputs and weights are expected under the same paths on every machine.

    :param places: bags to do, in the order they are waited for; those that cannot be read are
        left out.
    :param node: options of the network.
    :param address: of the cluster; '' is one that runs here already, or else this machine.
    :param on_progress: called while the bag that is waited for comes on.
    :raises ConfigError: there is no such cluster, or Ray is not installed.
    :raises ZoeDepthError: what a worker raised, or a part ended several workers.
    """
    try:
        ray = import_module('ray')
    except ImportError as error:
        raise ConfigError('a Ray cluster needs the package ray, which is not there') from error
    with _connection(ray, address):
        pool = _Pool(ray, node, _queue_here(ray), on_progress)
        try:
            for place in places:
                pool.plan(place)
            pool.hire()
            yield pool.finish
        finally:
            pool.dismiss()


class _Pool:
    """The workers, what they are at and what is left for them."""

    def __init__(
        self, ray: Any, node: NodeConfig, news: Any,
        on_progress: Callable[[Progress], None] | None,
    ) -> None:
        self._ray = ray
        self._news = news
        self._begun: dict[Path, SegmentProgress] = {}
        self._node = replace(node, model=_absolute(node.model))
        self._on_progress = on_progress or (lambda progress: None)
        self._planned: dict[OutputPlace, Progress] = {}
        self._done: dict[OutputPlace, Progress] = {}
        self._todo: deque[_Part] = deque()
        self._runs: dict[Any, _Run] = {}
        self._losses: Counter[_Part | None] = Counter()

    def plan(self, place: OutputPlace) -> None:
        """Take the parts of a bag that are not complete."""
        try:
            with closing(LenientReader(place.bag.path)) as bag:
                jobs = plan_segments(place, bag)
        except BagError:
            return  # found again, and reported, when the bag has its turn
        self._done[place] = not_begun(place, jobs)
        with _writing(place):
            resume(place)
            for job in jobs:
                if (report := recorded(job)) is None:
                    self._todo.append(_Part(place, replace(
                        job, path=job.path.resolve(), files=job.files.resolve())))
                else:
                    self._done[place] = self._done[place].after_part(report)
        self._planned[place] = self._done[place]

    def hire(self) -> None:
        """Fill the cluster with workers, as far as there is work for them."""
        room = shares(self._ray, self._node.estimator.device)
        if not room:
            raise ConfigError('the Ray cluster has neither a GPU nor a CPU to work with')
        for share in room[:len(self._todo)]:
            self._hire_one(share)

    def finish(self, place: OutputPlace) -> None:
        """Wait until all parts of a bag are complete."""
        shown = self._planned.get(place)
        while shown is not None:
            if (progress := self._progress(place)) != shown:
                self._on_progress(progress)
                shown = progress
            if all(part.place != place for part in self._unfinished()):
                break
            ready, _ = self._ray.wait(list(self._runs), timeout=PERIOD_S)
            for reference in ready:
                self._end(self._runs.pop(reference), reference)
            self._begun.update(self._news.get_nowait_batch(self._news.qsize()))

    def dismiss(self) -> None:
        """End the workers, whatever they are at."""
        for run in self._runs.values():
            self._ray.kill(run.worker)
        if self._runs:  # one that is not dead yet may still write
            self._ray.wait(list(self._runs), num_returns=len(self._runs), timeout=DEATH_S)
        self._news.shutdown(force=True)

    def _progress(self, place: OutputPlace) -> Progress:
        progress = self._done[place]
        for run in self._runs.values():
            if run.part is not None and run.part.place == place and run.output in self._begun:
                begun = self._begun[run.output]
                progress = progress.after(begun.frames, begun.dropped)
        return progress

    def _end(self, run: _Run, reference: Any) -> None:
        try:
            self._complete(run, self._ray.get(reference))
        except self._ray.exceptions.RayTaskError as error:
            if not isinstance(error.cause, ZoeDepthError):
                raise
            raise type(error.cause)(f'on a worker: {error.cause}') from error
        except self._ray.exceptions.RayError as error:
            self._replace(run, error)

    def _unfinished(self) -> Iterator[_Part]:
        yield from self._todo
        yield from (run.part for run in self._runs.values() if run.part is not None)

    def _hire_one(self, share: dict[str, int]) -> None:
        worker = self._ray.remote(**share)(Worker).remote(self._node, self._news)
        self._runs[worker.load.remote()] = _Run(worker, share)

    def _complete(self, run: _Run, report: WorkReport) -> None:
        """Record what a worker did and give it its next part; without one it ends."""
        del self._losses[run.part]
        if run.part is not None:
            with _writing(run.part.place):
                forget(run.part.job.path)
                os.replace(run.output, run.part.job.path)
                record(run.part.job, report)
            self._done[run.part.place] = self._done[run.part.place].after_part(report)
        if self._todo:
            part = self._todo.popleft()
            output = part.job.path.with_name(f'{part.job.path.name}_{uuid4().hex}')
            reference = run.worker.process.remote(
                part.place.bag.path.resolve(), replace(part.job, path=output))
            self._runs[reference] = replace(run, part=part, output=output)

    def _replace(self, lost: _Run, error: Exception) -> None:
        """Leave to others what a worker was at that is lost."""
        work = f'at {lost.part.job.path}' if lost.part else 'while it loaded the network'
        self._losses[lost.part] += 1
        if self._losses[lost.part] == MOST_LOSSES:
            raise BagError(f'{MOST_LOSSES} workers were lost {work}: {error}') from error
        LOGGER.warning('a worker was lost %s; another one takes over', work)
        if lost.part is not None:
            self._todo.appendleft(lost.part)
        self._hire_one(lost.share)


def _connection(ray: Any, address: str) -> AbstractContextManager[Any]:
    """Connect to a cluster until the end of a `with` statement, unless the caller did already."""
    if ray.is_initialized():
        return nullcontext()
    try:
        return ray.init(address or None, logging_level=logging.WARNING)
    except (ConnectionError, RuntimeError, ValueError) as error:
        raise ConfigError(f'ray = {address!r} is no cluster to work with: {error}') from error


def _queue_here(ray: Any) -> Any:
    """Return a queue on this machine, so that it is not lost with another one."""
    affinity = import_module('ray.util.scheduling_strategies').NodeAffinitySchedulingStrategy
    here = affinity(ray.get_runtime_context().get_node_id(), soft=False)
    return import_module('ray.util.queue').Queue(
        actor_options={'num_cpus': 0, 'scheduling_strategy': here})


def shares(ray: Any, device: str) -> list[dict[str, int]]:
    """Return what each worker takes: a GPU, or some CPUs where no GPU is there or wanted."""
    machines = [machine['Resources'] for machine in ray.nodes() if machine['Alive']]
    gpus = sum(int(machine.get('GPU', 0)) for machine in machines)
    if gpus and device != 'cpu':
        return [{'num_gpus': 1, 'num_cpus': 1}] * gpus
    shares: list[dict[str, int]] = []
    for cpus in (int(machine.get('CPU', 0)) for machine in machines):
        each = min(max(cpus, 1), CPUS_PER_WORKER)
        shares += [{'num_cpus': each}] * (cpus // each)
    return shares


def _absolute(model: str) -> str:
    """Return a model that is a file by a path that does not depend on the working directory."""
    path = Path(model).expanduser()
    return str(path.resolve()) if path.suffix and path.is_file() else model


@contextmanager
def _writing(place: OutputPlace) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise BagError(f'{place.unfinished} cannot be written: {error}') from error
