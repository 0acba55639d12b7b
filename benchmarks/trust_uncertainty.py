# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What the standard deviation tells of points that are wrong."""

from __future__ import annotations

import numpy as np
from trust_shots import Bench
from trust_shots import row

DROPPED = (0.0, 0.02, 0.05, 0.1, 0.2, 0.4)
# A point so much nearer than what is there is an obstacle where there is none.
PHANTOM = 0.2


def uncertainty(bench: Bench) -> None:
    print(f'\nPoints dropped for their standard deviation over depth, {bench.views} views\n')
    for domain in ('indoor', 'outdoor'):
        print(f'{domain}:\n')
        row('points.max_relative_std', 'points dropped', 'phantom points dropped',
            'phantoms among the rest', 'mean relative error of the rest', head=True)
        relative_std, ratio = (np.concatenate(parts) for parts in zip(*(
            (shot.own.std_dev_m[known] / shot.own_m[known],
             shot.own_m[known] / shot.true_m[known])
            for shot in bench.look(lambda view: view) if shot.domain == domain
            for known in [shot.seen & np.isfinite(shot.own.std_dev_m)]), strict=True))
        phantom = ratio < 1 - PHANTOM
        for share in DROPPED:
            limit = np.quantile(relative_std, 1 - share)
            kept = relative_std <= limit
            row(f'{limit:.3f}' if share else '0 (off)', f'{1 - kept.mean():.1%}',
                f'{(phantom & ~kept).sum() / phantom.sum():.1%}', f'{phantom[kept].mean():.1%}',
                f'{np.abs(ratio[kept] - 1).mean():.3f}')
        print()
