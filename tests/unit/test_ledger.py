"""What a run would do with each delivery, and why: every action."""

from datetime import datetime

import pytest

from finops_stack.deliveries.delivery import Delivery, Part, joined_id
from finops_stack.deliveries.discover import Found
from finops_stack.deliveries.ledger import LOADED, Action, plan_bills
from finops_stack.deliveries.storage.base import ObjectInfo
from finops_stack.period import BillingPeriod
from finops_stack.warehouse.register import OutcomeRow

WHEN = datetime(2026, 10, 3)
KEY = ("acme", "2026-09")


def delivery(delivery_id="d1", *, month="2026-09", order="", version="v", **more):
    return Delivery(
        source="acme",
        vendor="acme",
        period=BillingPeriod.parse(month),
        delivery_id=delivery_id,
        layout="monthly",
        manifest=f"{month}/manifest.json",
        manifest_version=version,
        delivered_at=WHEN,
        files=(ObjectInfo(f"{month}/a.csv", 3, version, WHEN),),
        order=order,
        **more,
    )


def outcome(of, outcome="published", rules="r1", reason=""):
    return {
        (of.source, str(of.period)): OutcomeRow(
            "run", of.source, str(of.period), of.delivery_id, of.fingerprint, outcome, reason,
            rules, WHEN,
        )
    }  # fmt: skip


def plan(*deliveries, latest=None, earlier=None, rules="r1", full=False):
    return plan_bills(
        Found(deliveries), latest=latest or {}, earlier=earlier or {}, rules=rules, full=full
    )


def only(*deliveries, **options):
    (planned,) = plan(*deliveries, **options)
    assert planned.loads == (planned.action in LOADED)
    return planned.action, planned.reason


def test_new():
    assert only(delivery()) == (Action.NEW, "not loaded yet")


def test_unchanged():
    assert only(delivery(), latest=outcome(delivery())) == (Action.UNCHANGED, "published")


def test_unchanged_also_when_rules_changed():
    done = outcome(delivery())
    assert only(delivery(), latest=done, rules="r2")[0] == Action.UNCHANGED


@pytest.mark.parametrize("now", [delivery("d2"), delivery("d1", version="v2")])
def test_restated_by_a_new_delivery_or_new_bytes(now):
    done = outcome(delivery())
    assert only(now, latest=done) == (Action.RESTATED, "replaces delivery d1")


def test_held_stays_held_until_models_or_checks_change():
    held = outcome(delivery(), "held", reason="billed-total")
    assert only(delivery(), latest=held) == (Action.HELD, "billed-total")
    assert only(delivery(), latest=held, rules="r2")[0] == Action.RETRIED
    assert only(delivery("d2"), latest=held)[0] == Action.RESTATED


def test_full_loads_whatever_was_there():
    for done in ({}, outcome(delivery()), outcome(delivery(), "held")):
        assert only(delivery(), latest=done, full=True)[0] == Action.FULL


def test_older_is_left_alone_unless_forced():
    done, earlier = outcome(delivery("d2")), {KEY: {"d1", "d2"}}
    action, reason = only(delivery("d1"), latest=done, earlier=earlier)
    assert action == Action.OLDER
    assert reason == "older than the loaded delivery d2; --full loads it all the same"
    assert only(delivery("d1"), latest=done, earlier=earlier, full=True)[0] == Action.FULL


def test_the_same_id_with_new_bytes_is_no_older_delivery():
    action, _ = only(delivery("d2", version="v2"), latest=outcome(delivery("d2")),
                     earlier={KEY: {"d1", "d2"}})  # fmt: skip
    assert action == Action.RESTATED


def test_another_months_outcome_is_of_no_account():
    august = outcome(delivery(month="2026-08"))
    assert only(delivery(), latest=august)[0] == Action.NEW


def test_incomplete_ones_are_shown_beside_the_chosen_one():
    broken = delivery("d2", order="2", missing=("2026-09/b.csv",))
    planned = plan(delivery("d1", order="1"), broken)
    assert [(p.delivery.delivery_id, p.action) for p in planned] == [
        ("d1", Action.NEW),
        ("d2", Action.INCOMPLETE),
    ]
    assert planned[1].reason == "1 of its files are not there: 2026-09/b.csv"
    assert not planned[1].loads


def test_months_come_in_order():
    months = ["2026-11", "2026-09", "2026-10"]
    planned = plan(*(delivery(month=month) for month in months))
    assert [str(p.delivery.period) for p in planned] == sorted(months)


def test_a_bill_that_loses_a_part_is_loaded_with_a_warning():
    parts = (Part("actual", "a1", ("x",)), Part("amortised", "b1", ("y",)))
    both = delivery(joined_id(parts), parts=parts)
    alone = delivery("a1", parts=parts[:1])
    (bill,) = plan_bills(Found([alone]), latest=outcome(both), earlier={}, rules="r1")
    assert bill.action is Action.RESTATED
    assert "amortised part is not there any more" in bill.warning
    (back,) = plan_bills(Found([both]), latest=outcome(alone), earlier={}, rules="r1")
    assert (back.action, back.warning) == (Action.RESTATED, "")
