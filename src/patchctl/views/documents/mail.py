"""A report as a mail, ready for any mail program to send; nothing is sent here."""

from __future__ import annotations

from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import format_datetime

from patchctl.figures import Figures
from patchctl.observation import SEVERITIES
from patchctl.views.documents.html import template
from patchctl.views.documents.plain_text import plain_text
from patchctl.views.documents.summary import denominators, heading, since, subject, tiles

WIDTH = 76
MOST = 50
"""Lines of one table: mail programs cut long mails off."""


def mail(figures: Figures, addresses: Sequence[str]) -> bytes:
    """As text, and as HTML of the kind that mail programs show: no charts, styles in place."""
    message = EmailMessage()
    message["Subject"] = subject(figures)
    message["To"] = ", ".join(addresses)
    message["Date"] = format_datetime(figures.now)
    message["X-Unsent"] = "1"  # lets Outlook open it as a draft
    message.set_content(plain_text(figures, WIDTH))
    message.add_alternative(_html(figures), subtype="html")
    return bytes(message)


def _html(figures: Figures) -> str:
    return template("mail.html").render(
        f=figures,
        heading=heading(figures),
        since=since(figures),
        denominators=denominators(figures),
        tiles=tiles(figures),
        severities=SEVERITIES,
        most=MOST,
    )
