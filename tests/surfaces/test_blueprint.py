"""What is noted of views for the documentation is kept once."""

from __future__ import annotations

import marshmallow as ma
from flask import Flask

from precog.surfaces.blueprint import Blueprint


class Told(ma.Schema):
    """An answer."""

    text = ma.fields.String()


TOLD = Told()


def view() -> dict[str, str]:
    """Tell something."""
    return {"text": "told"}


def test_a_schema_is_not_copied_for_each_view_that_answers_with_it() -> None:
    blueprint = Blueprint("once", __name__)
    blueprint.route("/")(blueprint.errors(TOLD, 400, 404)(view))
    noted = blueprint._docs["view"]["get"]["manual_doc"]["responses"].values()
    assert {entry["content"]["application/json"]["schema"] for entry in noted} == {TOLD}


def test_what_a_view_was_made_of_notes_nothing_once_it_is_served() -> None:
    blueprint = Blueprint("served", __name__)
    inner = blueprint.errors(TOLD, 404)(view)
    outer = blueprint.response(200, TOLD)(inner)
    blueprint.route("/")(outer)
    assert {"manual_doc", "response"} <= blueprint._docs["view"]["get"].keys()
    app = Flask(__name__)
    app.register_blueprint(blueprint)
    assert app.test_client().get("/").json == {"text": "told"}
    assert not hasattr(inner, "_apidoc")
    assert not hasattr(outer, "_apidoc")
