"""Whether a version is served as it was made: registered, with one preprocessing, on features like those it was
trained on.

In: a model's settings, what is known of a version, profiles. Out: `Finding`s, of kind quality. Kept: the profile of a
training file, beside the baseline.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from math import isfinite
from pathlib import Path

import numpy as np

from detectors.columns import Role
from detectors.grid import Grid
from detectors.profile import Profile
from detectors.registry import Unit
from detectors.result import Finding, Kind, Status, Window
from detectors.total_variation import total_variation
from detectors.volume import OPERATIONAL
from monitor.evaluate import Context, enabled
from monitor.settings import ModelSettings
from monitor.store import Store, served
from monitor.store.baselines import Baseline
from monitor.store.served import Fingerprint, Registered

PREPROCESSING, UNREGISTERED, SKEW = "preprocessing_change", "unregistered_version", "training_skew"
_ALPHA = 0.01
_SLIDING = frozenset({"1d", "7d", "28d"})
# The shortest a day can be.
_LAST_DAY = timedelta(hours=23)


def retired(known: Mapping[str, tuple[datetime, datetime]], version: str, window: Window) -> str:
    """Why a window is none of a version's: another has taken over before the window's last day. Empty where it is.

    `known`: the first and last row of each version. Windows slide on, and of a version that is gone they hold ever
    fewer days: what these are like says nothing of it.
    """
    if version not in known or window.horizon not in _SLIDING:
        return ""
    last = known[version][1]
    newer = max(known, key=lambda name: known[name][1])
    if newer == version or last >= window.end - _LAST_DAY:
        return ""
    return f"version {version} served until {last:%Y-%m-%d %H:%M} UTC, then {newer}"


def judge_version(
    context: Context,
    settings: ModelSettings,
    rows: int,
    fingerprints: Sequence[Fingerprint],
    registered: Mapping[str, Registered],
) -> list[Finding]:
    """A version's own facts in a window of `rows` rows: was it registered, and did its preprocessing change.

    Where no version was ever registered nobody registers, and nothing is said of it.
    """
    if not rows:
        return []
    findings = []
    if registered and enabled(settings, UNREGISTERED):
        known = context.version in registered
        told = {"explanation": f"{context.version} is served, and was never registered"}
        findings.append(
            context.finding(
                "model version", Kind.QUALITY, UNREGISTERED, Status.OK if known else Status.BREACH, rows,
                statistic=float(not known), effect=float(not known), detail={} if known else told,
            )
        )  # fmt: skip
    column = settings.columns.preprocessing
    inside = [one for one in fingerprints if one.first < context.window.end and one.last >= context.window.start]
    if column is not None and inside and enabled(settings, PREPROCESSING):
        mine = registered.get(context.version)
        first = mine.preprocessing if mine is not None and mine.preprocessing else fingerprints[0].name
        others = [one for one in inside if one.name != first]
        detail: dict[str, object] = {}
        if others:
            since = max(others[0].first, context.window.start)
            detail = {
                "explanation": f"changed within version {context.version}: {others[0].name[:60]}, was {first[:60]}, "
                f"since {since:%Y-%m-%d %H:%M} UTC",
                "before": first[:60],
                "after": others[0].name[:60],
            }
        findings.append(
            context.finding(
                column, Kind.QUALITY, PREPROCESSING, Status.BREACH if others else Status.OK, rows,
                statistic=float(len(others)), effect=float(len(others)), detail=detail,
            )
        )  # fmt: skip
    return findings


def judge_skew(
    context: Context, settings: ModelSettings, training: Profile, baseline: Profile, production: Profile
) -> list[Finding]:
    """Features that are served otherwise than they were trained on, and have been from the start.

    A feature is one of them where the training file differs from the window *and* from the baseline by the threshold
    (total variation over deciles or categories): what has moved since the baseline is drift, and told as that. One
    finding for each, or a single `ok`.
    """
    chosen = settings.detectors.get(SKEW)
    threshold = chosen.threshold if chosen is not None and chosen.threshold is not None else OPERATIONAL[SKEW]
    if min(training.rows, production.rows, baseline.rows) < settings.minimum_rows:
        return []
    now, then = total_variation(training, production), total_variation(training, baseline)
    findings = []
    for index, column in enumerate(production.grid.columns):
        value, before = float(now.value[index]), float(then.value[index])
        pvalue = None if now.pvalue is None else float(now.pvalue[index])
        large = isfinite(value) and min(value, before) >= threshold
        if column.role is not Role.FEATURE or not large or (pvalue is not None and pvalue > _ALPHA):
            continue
        told = f"is served otherwise than in training: {Unit.SHARE.show(value)} of the rows would have to change"
        findings.append(
            context.finding(
                column.name, Kind.QUALITY, SKEW, Status.BREACH, production.rows,
                statistic=value, pvalue=pvalue, threshold=threshold, effect=value, detail={"explanation": told},
            )
        )  # fmt: skip
    largest = float(np.nanmax(now.value, initial=0.0))
    return findings or [
        context.finding(
            "features", Kind.QUALITY, SKEW, Status.OK, production.rows, statistic=largest, threshold=threshold
        )
    ]


def training_profile(store: Store, settings: ModelSettings, baseline: Baseline) -> Profile | None:
    """The training file's rows on the baseline's grid, counted when the file is new; None where none is named.

    Raises LogMismatch for a file that cannot be read.
    """
    file = None if settings.training is None else settings.training.file
    if file is None or not enabled(settings, SKEW):
        return None
    path = Path(file.replace("{version}", baseline.version))
    if not path.is_file():
        return None
    facts = path.stat()
    digest = hashlib.sha256(f"{path} {facts.st_size} {facts.st_mtime_ns}".encode()).hexdigest()
    with store.read() as connection:
        kept = served.training(connection, baseline.id)
    if kept is not None and kept[0] == digest:
        return Profile.from_bytes(baseline.grid, kept[1])
    made = _counted(path, baseline.grid)
    with store.begin() as connection:
        served.keep_training(connection, baseline.id, digest, made.to_bytes())
    return made


def _counted(path: Path, grid: Grid) -> Profile:
    from monitor.reference.rows import read_table

    table = read_table(path)
    total = Profile.empty(grid)
    for batch in table.to_batches(max_chunksize=262_144):
        total = total + grid.profile(batch)
    return total
