"""What a quality finding looks like, in words.

In: one column's profile in the reference and in production. Out: the rest of a sentence that begins with the column's
name. Kept: nothing. Of a private column no value is told.
"""

from __future__ import annotations

from detectors.rounding import step_of
from detectors.scaler_mismatch import explain_scaler
from detectors.stuck import spike_at
from detectors.unit_change import explain
from detectors.view import ColumnProfile


def explanation(detector: str, reference: ColumnProfile, production: ColumnProfile) -> str | None:
    """For a change of unit or scale, a stuck, spiked or rounded column; None for others, or where there is nothing."""
    private = production.private
    if detector == "unit_change":
        change = explain(reference, production)
        return change.sentence(private) if change else None
    if detector == "scaler_mismatch":
        line = explain_scaler(reference, production)
        if line is None:
            return None
        if production.private:
            return "looks shifted and scaled"
        shift = f" {'-' if line.offset < 0 else '+'} {abs(line.offset):.3g}" if line.offset else ""
        return f"looks shifted and scaled: production ≈ {line.factor:.3g} × reference{shift}"
    if detector == "rounding":
        step = step_of(reference, production)
        return None if step is None else "is rounded now" if private else f"is rounded to {step:.4g} now"
    if detector in ("stuck", "spike") and production.valid:
        cell = _top(detector, reference, production)
        value = "one value" if private else production.labels()[cell][:60]
        shares = (100.0 * float(side.shares[cell]) for side in (production, reference))
        now, before = (f"{share:.3g}%" for share in shares)
        verb = "stands still at" if detector == "stuck" else "has unusually much of"
        return f"{verb} {value}: {now} of the values ({before} in the reference)"
    return None


def _top(detector: str, reference: ColumnProfile, production: ColumnProfile) -> int:
    if detector == "stuck":
        return int(production.counts.argmax())
    return spike_at(reference, production)
