"""Every POST of a page needs its token against forgery; the API has none, because it takes no cookie."""

from __future__ import annotations

from django.test import Client

from tests.authorisation_world import make_world
from tests.test_authorisation import ROWS

#: A browser's report, which changes nothing.
WITHOUT_TOKEN = {"csp-report"}


def test_every_post_of_a_page_is_refused_without_its_token_against_forgery(db: None) -> None:
    world = make_world()
    client = Client(enforce_csrf_checks=True)
    client.force_login(world.desk.supervisor, backend="django.contrib.auth.backends.ModelBackend")
    rows = [row for row in ROWS if row.method == "POST" and not row.route.startswith("api/")]
    answers = {
        row.route: client.post(
            "/" + row.route.replace("<slug:public_id>", world.things[row.object]),
            world.forms().get(row.route, {}),
        ).status_code
        for row in rows
    }
    assert len(answers) > 20
    assert {route for route, status in answers.items() if status != 403} == WITHOUT_TOKEN
