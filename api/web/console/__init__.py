"""The console: the pages of those who work with others' accounts. One file a feature, under `/console`."""

from typing import Final

from flask import Flask

from api.web.console import (
    accounts,
    actions,
    audit,
    audit_accesses,
    audit_account,
    audit_exports,
    audit_history,
    audit_proof,
    case,
    dashboard,
    desk,
    imports,
    queue,
    sheet,
)

# Whoever adds a feature of the console adds it here, and its tab in `desk`.
FEATURES: Final = (
    queue,
    case,
    accounts,
    sheet,
    actions,
    dashboard,
    imports,
    audit,
    audit_account,
    audit_history,
    audit_exports,
    audit_accesses,
    audit_proof,
)


def install(app: Flask) -> None:
    app.jinja_env.globals |= {
        "console_tabs": desk.tabs,
        "console_home": desk.home,
        "in_days": desk.in_days,
        "desk_pairs": desk.pairs,
        "may": desk.may,
    }
    audit.install(app)
