"""The digest's first screen as a mail: subject, light HTML that mail programs show alike, and plain text.

In: a `ReportContext` and the address of the full report, if it has one. Out: `Mail`. Kept: nothing.
The full report goes with it as a link or as an attachment (`render.render_whole`); sending is not done here.
"""

from __future__ import annotations

from typing import NamedTuple
from zoneinfo import ZoneInfo

from reports import sentences, theme, wording
from reports.context import ModelPage, ReportContext, Verdict
from reports.errors import ReportError
from reports.templating import environment, plain_environment

LISTED = 12  # models of one verdict that a mail names; the report names all

_TOLD = (Verdict.NEEDS_YOU, Verdict.WATCH, Verdict.NOT_MONITORED)
_COLOURS = {
    Verdict.NEEDS_YOU: theme.BREACH.light,
    Verdict.WATCH: theme.WATCH.light,
    Verdict.NOT_MONITORED: theme.MUTED.light,
    Verdict.HEALTHY: theme.OK.light,
}


class Mail(NamedTuple):
    """A mail to be sent: its subject (one line), its HTML and its text part."""

    subject: str
    html: str
    text: str


def render_mail(context: ReportContext, link: str | None = None) -> Mail:
    """The mail of a report. `link` is the full report's address (http or https); without it the mail says it is
    attached. Raises ReportError for another kind of address."""
    if link is not None and not link.startswith(("https://", "http://")):
        raise ReportError(f"{wording.plain(link)!r} is no address a mail can link to")
    zone = ZoneInfo(context.timezone)
    line = sentences.headline_words(context.counts())
    subject = f"{wording.plain(context.title, 60)}: {line} ({wording.span(context.period, zone)})"
    values = {
        "report": context,
        "subject": subject,
        "headline": sentences.headline(context.counts()),
        "headline_line": line,
        "groups": [_group(context, verdict) for verdict in _TOLD if context.by_verdict(verdict)],
        "sentences": [" ".join(sentences.alarms(context.alarms)), " ".join(sentences.coverage(context.coverage))],
        "link": link,
        "colours": _COLOURS,
        "paper": theme.PAPER.light,
        "raised": theme.RAISED.light,
        "ink": theme.INK.light,
        "muted": theme.MUTED.light,
        "rule": theme.LINE.light,
        "blue": theme.PRODUCTION.light,
    }
    html = environment(context.timezone).get_template("mail.html.j2").render(values)
    text = plain_environment(context.timezone).get_template("mail.txt.j2").render(values)
    return Mail(subject, html, text)


def _group(context: ReportContext, verdict: Verdict) -> tuple[str, str, tuple[ModelPage, ...], int]:
    members = context.by_verdict(verdict)
    return sentences.VERDICT_WORDS[verdict], _COLOURS[verdict], members[:LISTED], max(0, len(members) - LISTED)
