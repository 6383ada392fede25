"""N4: PostgreSQL commits, and the answer is lost on the way. Nothing is applied twice, readers see
one of the two versions, and the next run ends where an undisturbed one would have.
"""

import pytest
from installation import expected
from postgres_proxy import CommitLosingProxy
from postgres_server import PASSWORD

AUGUST, RESTATED = ["1.25", "2"] * 6, ["3", "4", "5"] * 6


@pytest.fixture
def proxy(server):
    proxy = CommitLosingProxy(server.port)
    yield proxy
    proxy.close()


@pytest.fixture
def team(new_installation, server, proxy):
    """An installation that reaches its catalogue through the proxy; August is published."""
    installation = new_installation("one")
    installation.settings = installation.settings.replace(
        f"port={server.port}", f"port={proxy.port}"
    )
    installation.write_settings()
    installation.add_source("acme")
    installation.deliver("acme", "2026-08", "d1", AUGUST)
    installation.done()
    return installation


def in_register(team):
    """Every delivery's publications, runs and published snapshots, each as often as it stands."""
    with team.attached() as connection:
        published = connection.execute(
            "select delivery_id, count(*) from ops.outcomes where outcome = 'published'"
            " group by all"
        ).fetchall()
        runs = connection.execute(
            "select run_id, count(*) from ops.runs group by all having count(*) > 1"
        ).fetchall()
        pointers = connection.execute(
            "select sequence, count(*) from ops.published group by all having count(*) > 1"
        ).fetchall()
    return dict(published), runs + pointers


def test_n4_a_commit_whose_answer_is_lost(team, proxy):
    """Every writing commit of a restating run, one after the other."""
    month, before = ("acme", "2026-08"), expected(AUGUST, "d1")
    outcomes = set()
    for number in range(1, 100):
        amounts, delivery = (AUGUST, RESTATED)[number % 2], f"lost-{number}"
        after = expected(amounts, delivery)
        team.deliver("acme", "2026-08", delivery, amounts)
        proxy.lose(number)
        ended = team.run()
        assert "Traceback" not in ended.text
        assert PASSWORD not in ended.text
        lost = proxy.lost
        seen = team.totals()
        assert seen in ({month: before}, {month: after}), (number, ended.text)
        assert ended.code in ((0,) if not lost else (0, 1)), (number, ended.text)
        proxy.lose(0)
        again = team.run()
        assert again.code == 0, (number, ended.text, again.text)
        assert team.totals() == {month: after}, (number, again.text)
        published, twice = in_register(team)
        assert published[delivery] == 1, (number, ended.text, again.text)
        assert twice == []
        assert "nothing new" in team.done().out
        outcomes.add((ended.code, seen == {month: after}))
        before = after
        if not lost:
            break
    assert number > 4, "a run commits more often than that"
    assert (1, False) in outcomes
