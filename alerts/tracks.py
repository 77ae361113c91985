"""Counting windows: what each horizon has said about an incident, and whether it has come clean.

In: an incident, windows, findings. Out: changed tracks, yes or no. Kept: nothing.
Hours of an incident are still inside longer windows after it is over; those windows neither keep it open nor bring it
back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from alerts.breach import Breach, trouble_of
from alerts.incident import Incident, Track, horizon_hours, horizon_name
from detectors.result import Finding, Status, Window


def first_tracks(breach: Breach) -> dict[str, Track]:
    """The tracks of an incident that this breach opens."""
    shortest = min(breach.windows, key=lambda one: horizon_hours(horizon_name(one)))
    tracks: dict[str, Track] = {}
    for window in breach.windows:
        tracks = _tracked(tracks, window, bool(breach.subjects_in(window) - breach.subjects_in(shortest)))
    return tracks


def more_tracks(incident: Incident, breach: Breach) -> dict[str, Track]:
    """The incident's tracks after another breach."""
    tracks = dict(incident.tracks)
    for window in breach.windows:
        tracks = _tracked(tracks, window, bool(breach.subjects_in(window) - set(incident.subjects)))
    return tracks


def is_echo(incident: Incident, window: Window) -> bool:
    """Whether a longer window breaches only because the incident's own time is still inside it."""
    shortest = incident.horizons[0]
    longer = horizon_hours(horizon_name(window)) > horizon_hours(shortest)
    return longer and window.start < incident.tracks[shortest].last and not governs(incident, horizon_name(window))


def governs(incident: Incident, horizon: str) -> bool:
    """Whether this horizon must come clean: the shortest, one that breached before it did, or one with own news."""
    track = incident.tracks.get(horizon)
    if track is None:
        return False
    shortest = incident.horizons[0]
    return horizon == shortest or track.own or track.first < incident.tracks[shortest].first


def count_clean(incident: Incident, findings: Sequence[Finding], breach: Breach | None) -> Incident:
    """Count the windows that came clean. `insufficient` and windows not evaluated count neither way."""
    breached = set(breach.windows) if breach else set()
    tracks = dict(incident.tracks)
    windows: dict[Window, list[Finding]] = {}
    for finding in findings:
        windows.setdefault(finding.window, []).append(finding)
    for window in sorted(windows, key=lambda one: one.end):
        track = tracks.get(horizon_name(window))
        if track is None or window.end <= track.until or window in breached:
            continue
        if is_clean(incident, windows[window]):
            tracks[horizon_name(window)] = replace(track, until=window.end, clean=track.clean + 1)
    return replace(incident, tracks=tracks) if tracks != incident.tracks else incident


def is_clean(incident: Incident, findings: Sequence[Finding]) -> bool:
    """Whether one window's findings speak against the incident: some are ok, none breaches, no subject is unsure."""
    # What is measured and not judged speaks for nothing.
    mine = [f for f in findings if trouble_of(f) is incident.trouble and f.detail.get("judged", True)]
    if any(finding.status is Status.BREACH for finding in mine):
        return False
    sure = {finding.subject for finding in mine if finding.status is Status.OK}
    unsure = {finding.subject for finding in mine if finding.status is Status.INSUFFICIENT} - sure
    return bool(sure) and not unsure & set(incident.subjects)


def all_clean(incident: Incident, needed: int) -> bool:
    """Whether every horizon that must come clean has been clean `needed` windows in a row."""
    return all(track.clean >= needed for horizon, track in incident.tracks.items() if governs(incident, horizon))


def _tracked(tracks: Mapping[str, Track], window: Window, own: bool) -> dict[str, Track]:
    """The tracks after a breach of `window`; `own` when it brought subjects that no other horizon had."""
    changed, name = dict(tracks), horizon_name(window)
    track = changed.get(name)
    if track is None:
        changed[name] = Track(window.end, window.end, window.end, own=own)
    elif window.end > track.last and window.end >= track.until:
        changed[name] = replace(
            track, last=window.end, until=window.end, breaches=track.breaches + 1, clean=0, own=own or track.own
        )
    return changed
