"""The template environments: Jinja with the filters and chart functions the templates call.

In: the reader's time zone. Out: environments, escaping for HTML, not for plain text. Kept: the compiled templates of
the last few zones.
"""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import lru_cache
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import jinja2
from markupsafe import Markup

from reports import charts, links, overviews, selection, sentences, wording
from reports.picture import Chart, to_svg
from reports.theme import properties

FOLDER = Path(__file__).parent / "templates"
SCRIPT = (FOLDER / "tables.js").read_text(encoding="utf-8").strip()
_HASH = b64encode(hashlib.sha256(SCRIPT.encode()).digest()).decode()
POLICY = (
    f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
)


@lru_cache(maxsize=8)
def environment(timezone: str) -> jinja2.Environment:
    """The HTML templates for readers in `timezone`; everything put into them is escaped."""
    zone = ZoneInfo(timezone)
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(_filters(zone))
    made.globals.update(
        policy=POLICY,
        style=_style(),
        script=Markup(SCRIPT),  # noqa: S704  our own file
        drawn_loud=selection.DRAWN_LOUD,
        sections=selection.sections,
        draw_distribution=lambda shown, name: _svg(charts.distribution(shown, name)),
        draw_statistic=lambda series, name: _svg(charts.statistic(series, name, zone)),
        draw_performance=lambda series: _svg(charts.performance(series, zone)),
        draw_volume=lambda series: _svg(charts.volume(series, zone)),
        draw_heat=lambda heat: _svg(overviews.heat(heat, zone)),
        draw_timeline=lambda page, period: _svg(overviews.timeline(page, period, zone)),
        draw_contributions=lambda why: _svg(overviews.contributions(why)),
        method=sentences.method,
    )
    return made


@lru_cache(maxsize=8)
def plain_environment(timezone: str) -> jinja2.Environment:
    """The plain-text templates: nothing is escaped, since nothing interprets it."""
    made = jinja2.Environment(  # noqa: S701  text/plain
        loader=jinja2.FileSystemLoader(FOLDER), undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters.update(_filters(ZoneInfo(timezone)))
    return made


def _filters(zone: ZoneInfo) -> dict[str, Any]:
    return {
        "plain": wording.plain,
        "number": wording.number,
        "trimmed": wording.trimmed,
        "share": wording.share,
        "count": wording.count,
        "pvalue": wording.pvalue,
        "plural": wording.plural,
        "horizon": wording.horizon,
        "span": lambda period: wording.span(period, zone),
        "day": lambda moment: wording.day(moment, zone),
        "short_day": lambda moment: wording.day(moment, zone, year=False),
        "clock": lambda moment: wording.clock(moment, zone),
        "dated_clock": lambda moment: wording.dated_clock(moment, zone),
        "utc": wording.utc,
        "iso": lambda moment: moment.isoformat(timespec="seconds"),
        "sentence": wording.sentence,
        "measured": lambda figure: wording.measured(figure.value, figure.unit),
        "effect": lambda figure: wording.measured(
            figure.value if figure.effect is None else figure.effect, figure.unit
        ),
        "limit": lambda figure: wording.measured(figure.threshold, figure.unit, limit=True),
        "in_unit": wording.measured,
        "relative": links.relative,
        "slug": links.slug,
        "data_name": links.data_name,
        "state_words": sentences.STATE_WORDS.__getitem__,
        "verdict_words": sentences.VERDICT_WORDS.__getitem__,
        "verdict_state": sentences.VERDICT_STATES.__getitem__,
        "verdict_class": lambda verdict: sentences.VERDICT_STATES[verdict].value,
        "headline_words": sentences.headline_words,
        "against": sentences.against,
        "performance_caption": sentences.performance_caption,
        "glossary": sentences.glossary,
        "cut_labels": selection.cut_labels,
        "split_features": selection.split_features,
        "places": selection.places,
        "incident_places": selection.incident_places,
        "incident_data_name": links.incident_data_name,
        "first_of": selection.first_of,
        "feature_table": selection.feature_table,
        "appendix": selection.appendix,
    }


def _style() -> Markup:
    text = (FOLDER / "report.css").read_text(encoding="utf-8")
    return Markup(text.replace("{{ light }}", properties("light")).replace("{{ dark }}", properties("dark")))  # noqa: S704  our own file


def _svg(chart: Chart) -> Markup:
    return Markup(to_svg(chart))  # noqa: S704  drawn by us, its texts escaped by ElementTree
