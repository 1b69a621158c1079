"""The HTML door: pages for people, in three languages, by the same use cases and schemas as the JSON door."""

from typing import Final

from flask import Flask

from api.context import EXTENSION
from api.web import (
    assets,
    console,
    demonstration,
    information,
    links,
    my_data,
    my_portfolio,
    problems,
    profile,
    profile_access,
    profile_data,
    profile_factors,
    sign_in,
    sign_up,
    welcome,
    words,
)
from api.web.seals import Seals

FEATURES: Final = (
    sign_in,
    sign_up,
    links,
    welcome,
    my_data,
    my_portfolio,
    information,
    profile,
    profile_access,
    profile_factors,
    profile_data,
    *console.FEATURES,
)


def install(app: Flask) -> None:
    service = app.extensions[EXTENSION]
    app.extensions["seals"] = Seals(service.keyring)
    assets.install(app, service.institution.appearance)
    words.install(app)
    console.install(app)
    features = [*FEATURES, *([demonstration] if service.settings.demo else [])]
    for feature in features:
        app.register_blueprint(feature.pages)
    app.extensions["features"] = {feature.pages.name for feature in features}
    problems.install(app)
