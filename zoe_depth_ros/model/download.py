# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""
Names of weights to files on this machine.

Released files are kept in $ZOE_DEPTH_CACHE, else $XDG_CACHE_HOME/zoe_depth_ros, else
~/.cache/zoe_depth_ros; $ZOE_DEPTH_WEIGHTS_URL names a mirror to fetch them from.
"""

from __future__ import annotations

from http.client import HTTPException
import os
from pathlib import Path
import re
import shutil
from urllib.request import urlopen
from uuid import uuid4
import zipfile

from huggingface_hub import constants as hub
from huggingface_hub import hf_hub_download
from tqdm import tqdm

from zoe_depth_ros.errors import WeightsError

RELEASED_URL = 'https://github.com/isl-org/ZoeDepth/releases/download/v1.0'
RELEASED_FILES = {
    'zoed_n': 'ZoeD_M12_N.pt', 'zoed_k': 'ZoeD_M12_K.pt', 'zoed_nk': 'ZoeD_M12_NK.pt'}
PACKAGED_FILES = {'zoed_mini_nk': 'zoed_mini_nk.safetensors'}
HUB_FILE = 'model.safetensors'
REPOSITORY = re.compile(r'\w[\w.-]*/\w[\w.-]*')
FILE_SUFFIXES = ('.pt', '.pth', '.safetensors')
TIMEOUT_S = 30.0  # without a single byte


def find_weights(source: str | Path) -> Path:
    """
    Return the weight file of that name, downloading it the first time.

    :param source: 'zoed_n', 'zoed_k', 'zoed_nk', 'zoed_mini_nk', a path to a file, or a Hugging
        Face repository 'owner/name'.
    :raises WeightsError: nothing has that name, or it cannot be downloaded whole.
    """
    name = str(source)
    if name in RELEASED_FILES:
        return _released(name)
    if name in PACKAGED_FILES:
        return _packaged(name)
    path = Path(source).expanduser()
    if path.is_file():
        return path
    if REPOSITORY.fullmatch(name) and path.suffix not in FILE_SUFFIXES:
        return _from_hub(name)
    known = ', '.join(sorted({**RELEASED_FILES, **PACKAGED_FILES}))
    raise WeightsError(
        f'weights {name!r} are no file, no known name ({known}) '
        "and no Hugging Face repository ('owner/name')")


def cache_dir() -> Path:
    """Return the folder that released weights are kept in; it need not exist."""
    if own := os.environ.get('ZOE_DEPTH_CACHE'):
        return Path(own).expanduser()
    shared = os.environ.get('XDG_CACHE_HOME') or '~/.cache'
    return Path(shared).expanduser() / 'zoe_depth_ros'


def _packaged(name: str) -> Path:
    path = Path(__file__).parents[1] / 'weights' / PACKAGED_FILES[name]
    if not path.is_file():
        raise WeightsError(f'weights {name} are missing from this installation: no file {path}')
    return path


def _released(name: str) -> Path:
    file_name = RELEASED_FILES[name]
    path = cache_dir() / file_name
    if path.is_file():
        return path
    base_url = os.environ.get('ZOE_DEPTH_WEIGHTS_URL') or RELEASED_URL
    url = f'{base_url.rstrip("/")}/{file_name}'
    try:
        _download(url, path)
    except (OSError, HTTPException, ValueError, WeightsError) as error:
        raise _advice(name, url, path, error) from error
    return path


def _from_hub(repository: str) -> Path:
    path = cache_dir() / f'{repository.replace("/", "--")}.safetensors'
    if path.is_file():
        return path
    try:
        return Path(hf_hub_download(repository, HUB_FILE))
    except Exception as error:  # its transport library's own errors come through unwrapped
        url = f'{hub.ENDPOINT}/{repository}/resolve/main/{HUB_FILE}'
        raise _advice(repository, url, path, error.__cause__ or error) from error


def _advice(name: str, url: str, path: Path, reason: BaseException) -> WeightsError:
    """Return the error that says what to fetch by hand and where to put it."""
    lines = str(reason).splitlines() or [type(reason).__name__]
    return WeightsError(
        f'weights {name} could not be downloaded ({lines[0]}): '
        f'download {url} on a connected machine and put it at {path}')


def _download(url: str, path: Path) -> None:
    """
    Fetch a zip file (what torch.save writes) so that it appears complete or not at all.

    :raises WeightsError: fewer bytes than announced arrived, or a checksum inside is wrong.
    :raises OSError: no connection, or nothing comes any more.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unverified = path.with_name(f'{path.name}.{uuid4().hex}.unverified')
    try:
        _fetch(url, unverified)
        _check_zip(unverified)
        os.replace(unverified, path)
    finally:
        unverified.unlink(missing_ok=True)


def _fetch(url: str, path: Path) -> None:
    """Write what a server sends to a file, showing the progress."""
    with urlopen(url, timeout=TIMEOUT_S) as response, path.open('wb') as file:
        announced = response.headers.get('Content-Length')
        total = None if announced is None else int(announced)
        with tqdm.wrapattr(response, 'read', total, desc=url.rpartition('/')[2]) as watched:
            shutil.copyfileobj(watched, file)
    _check_size(path, total)


def _check_size(path: Path, announced: int | None) -> None:
    size = path.stat().st_size
    if announced is not None and size != announced:
        raise WeightsError(f'{size} of {announced} bytes arrived')


def _check_zip(path: Path) -> None:
    try:
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
    except Exception as error:  # on damaged bytes zipfile raises nearly anything
        raise WeightsError(f'what arrived is no whole .pt file: {error}') from error
    if damaged is not None:
        raise WeightsError(f'{damaged} arrived with a wrong checksum')
