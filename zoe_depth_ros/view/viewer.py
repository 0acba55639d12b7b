# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""The Rerun viewer, in a window or in the browser."""

from __future__ import annotations

from pathlib import Path
import subprocess
import sys

from zoe_depth_ros.errors import ZoeDepthError

LOCAL = '127.0.0.1'
# The server holds the recording in memory, and drops its beginning when that is too little.
SERVER_MEMORY = '75%'


def open_viewer(recording: Path, web_port: int | None = None) -> None:
    """
    Open a recording and return when the viewer is closed, or the server interrupted.

    :param recording: .rrd file.
    :param web_port: serve it at this port, to browsers on this machine; None for a window.
    :raises ZoeDepthError: the viewer does not start, or fails.
    """
    command = [sys.executable, '-m', 'rerun_cli', str(recording), '--port', 'auto']
    if web_port is not None:
        command += [
            '--web-viewer', '--bind', LOCAL, '--web-viewer-port', str(web_port),
            '--server-memory-limit', SERVER_MEMORY]
    try:
        subprocess.run(command, check=True)
    except KeyboardInterrupt:
        return
    except subprocess.CalledProcessError as error:
        raise ZoeDepthError(
            f'the Rerun viewer of {recording} ended with exit code {error.returncode}'
        ) from error
