"""finops plan: what it says, and that it ends as a run would for the same reason."""

from acme_bills import acme_row


def test_a_refused_manifest_ends_plan_as_it_ends_run_and_the_plan_is_printed(workspace):
    workspace.deliver()
    broken = workspace.deliver("2026-10")
    broken.manifest.write_bytes(broken.manifest.read_bytes()[:20])
    for verb in ("plan", "run"):
        ended = workspace.finops(verb)
        assert ended.exit_code == 2, ended.output
        assert "2026-10/manifest.json is not JSON" in ended.stderr.replace("\n", " ")
        if verb == "plan":
            assert "1 deliveries to load" in ended.stdout
            assert "incomplete" in ended.stdout and "new" in ended.stdout


def test_an_older_delivery_and_a_held_bill_end_both_verbs_alike(workspace):
    workspace.deliver(delivery_id="d1")
    workspace.finops("run")
    workspace.deliver(delivery_id="d2", rows=[acme_row(currency="eur")])
    assert workspace.finops("run").exit_code == 3
    assert [workspace.finops(verb).exit_code for verb in ("plan", "run")] == [3, 3]
    workspace.deliver(delivery_id="d1")
    assert [workspace.finops(verb).exit_code for verb in ("plan", "run")] == [2, 2]


def test_nothing_wrong_ends_with_0(workspace):
    workspace.deliver()
    assert workspace.finops("plan").exit_code == 0
