# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The folder that a demo fills."""

from __future__ import annotations

import os
from pathlib import Path
import shutil

from zoe_depth_ros.errors import ZoeDepthError

LIST_NAME = '.written_by_zoe_depth_demo'


class OutputFolder:
    """
    Hands out paths to write to; replaces only what an earlier demo wrote.

    :param path: the folder; made where it does not exist.
    :param keep: a file or folder that must not be replaced.
    :raises ZoeDepthError: the folder cannot be made.
    """

    def __init__(self, path: Path, keep: Path | None = None) -> None:
        self._path = path
        self._keep = keep
        self._list_path = path / LIST_NAME
        try:
            path.mkdir(parents=True, exist_ok=True)
            self._own = set(
                self._list_path.read_text().split() if self._list_path.exists() else ())
        except OSError as error:
            raise ZoeDepthError(f'output folder {path} cannot be used: {error}') from error

    def claim(self, name: str) -> Path:
        """
        Return the path of an output, free to be written.

        :raises ZoeDepthError: there is something of that name that no demo wrote.
        """
        path = self._path / name
        if os.path.lexists(path):
            if name not in self._own:
                raise ZoeDepthError(f'{path} is there already and not from a demo: not replaced')
            if self._keep is not None and self._keep.resolve().is_relative_to(path.resolve()):
                raise ZoeDepthError(f'{self._keep} would be replaced: choose another output')
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()
        self._own.add(name)
        self._list_path.write_text('\n'.join(sorted(self._own)))
        return path
