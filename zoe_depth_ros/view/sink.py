# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""A file that another library writes, and that tells when the disk is full."""

from __future__ import annotations

import os
from pathlib import Path
import shutil
from tempfile import TemporaryDirectory
from threading import Thread


class PipedFile:
    """
    A file with a pipe before it; a writer that opens the pipe never sees the disk fail.

    The Rerun library may wait for ever once a file of its own does not take more.

    :param path: file to make.
    :raises OSError: it cannot be made.
    """

    def __init__(self, path: Path) -> None:
        self._file = path.open('wb')
        self._folder = TemporaryDirectory()
        self.pipe = Path(self._folder.name) / path.name
        os.mkfifo(self.pipe)
        self._error: OSError | None = None
        self._thread = Thread(target=self._copy, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """
        Wait until the writer has closed the pipe and all is in the file.

        :raises OSError: the disk did not take it.
        """
        self._thread.join()
        self._folder.cleanup()
        if self._error is not None:
            raise self._error

    def _copy(self) -> None:
        with self.pipe.open('rb') as source:
            try:
                with self._file:
                    shutil.copyfileobj(source, self._file)
            except OSError as error:
                self._error = error
                with Path(os.devnull).open('wb') as nowhere:
                    shutil.copyfileobj(source, nowhere)
