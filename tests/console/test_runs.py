"""The pages of runs, live in a browser."""

from __future__ import annotations

from playwright.sync_api import Page, expect

from tests.console.served import Served
from tests.console.visits import Visits, live, sign_in

HOSTILE = "<img src=x onerror=alert(1)>\"'><script>alert(2)</script>{{constructor.constructor('alert(3)')()}}"


def opened(visits: Visits, served: Served, path: str) -> Page:
    """A page that is connected."""
    page = visits.page(f"{served.console_url}{path}")
    live(page)
    return page


def test_new_runs_come_in_on_top_and_change_where_they_stand(served: Served, visits: Visits) -> None:
    page = opened(visits, served, "/runs")
    run = served.send(subject="mrs-first")
    line = page.locator("#runs-list > li").first
    expect(line.get_by_role("link", name="customer.upset about mrs-first")).to_be_visible()
    expect(line.get_by_text("done", exact=True)).to_be_visible()
    line.get_by_role("link").click()
    expect(page).to_have_url(f"{served.console_url}/runs/{run}")
    expect(page.get_by_role("heading", level=1)).to_have_text("customer.upset about mrs-first")


def test_nothing_moves_while_somebody_reads_until_they_ask_for_it(served: Served, visits: Visits) -> None:
    for number in range(3):
        served.handle(subject=f"read-{number}")
    page = opened(visits, served, "/runs")
    lines = page.locator("#runs-list > li")
    reading = lines.nth(1).get_by_role("link")
    reading.focus()
    expect(page.locator("#runs-list[data-held]")).to_be_visible()
    words, place = reading.inner_text(), reading.bounding_box()
    before = lines.count()
    for number in range(2):
        served.handle(subject=f"late-{number}")
    more = page.get_by_role("button", name="2 new runs")
    expect(more).to_be_visible()
    assert (lines.count(), reading.inner_text(), reading.bounding_box()) == (before, words, place)
    expect(reading).to_be_focused()
    more.click()
    expect(lines.first.get_by_role("link", name="customer.upset about late-1")).to_be_visible()
    expect(more).to_be_hidden()


def test_a_filter_stands_in_the_address_and_back_takes_it_away(served: Served, visits: Visits) -> None:
    served.handle("customer.wronged", {"message": "i paid twice", "amount": 12}, subject="mr-wronged")
    served.handle(subject="mr-fine")
    page = opened(visits, served, "/runs")
    page.get_by_role("link", name="Waiting").click()
    expect(page).to_have_url(f"{served.console_url}/runs?status=waiting")
    expect(page.get_by_role("link", name="mr-wronged")).to_be_visible()
    expect(page.get_by_role("link", name="mr-fine")).to_have_count(0)
    page.get_by_label("Status").select_option("done")
    expect(page).to_have_url(f"{served.console_url}/runs?status=done")
    expect(page.get_by_role("link", name="mr-fine")).to_be_visible()
    page.go_back()
    expect(page).to_have_url(f"{served.console_url}/runs?status=waiting")
    expect(page.get_by_label("Status")).to_have_value("waiting")
    expect(page.get_by_role("link", name="mr-fine")).to_have_count(0)


def test_the_search_box_leads_to_a_subject_and_to_a_run(served: Served, visits: Visits) -> None:
    run = served.handle(subject="Miss-Sought")["id"]
    page = opened(visits, served, "/runs")
    box = page.get_by_label("Subject or run id")
    box.fill("miss-sought")
    box.press("Enter")
    expect(page).to_have_url(f"{served.console_url}/runs?subject=Miss-Sought")
    box.fill("Miss-S")
    box.press("Enter")
    expect(page.get_by_role("alert").get_by_role("link", name="Miss-Sought")).to_be_visible()
    box.fill(run.lower())
    box.press("Enter")
    expect(page).to_have_url(f"{served.console_url}/runs/{run}")


def test_what_is_typed_stays_while_runs_arrive(served: Served, visits: Visits) -> None:
    page = opened(visits, served, "/runs?source=/tests")
    box = page.get_by_label("Subject or run id")
    box.press_sequentially("half a wo")
    served.send(subject="mr-meanwhile")
    expect(page.get_by_role("link", name="mr-meanwhile")).to_be_visible()
    expect(box).to_have_value("half a wo")
    expect(page.get_by_label("Source")).to_have_value("/tests")


def test_a_run_is_told_as_it_happens_and_can_be_settled_and_judged(served: Served, visits: Visits) -> None:
    run = served.handle("customer.asked", {"note": "dead line"}, subject="mr-called")
    key = run["effects"][-1]["key"]
    page = opened(visits, served, f"/runs/{run['id']}")
    page.get_by_role("button", name="Say what became of it").click()
    page.get_by_label("What the tool would have answered").fill("{no json")
    page.get_by_label("Reason", exact=True).fill("he was called")
    page.get_by_role("button", name="Settle it").click()
    expect(page.get_by_text("the result is no JSON")).to_be_visible()
    page.get_by_label("What the tool would have answered").fill('{"booked": "by hand"}')
    page.get_by_role("button", name="Settle it").click()
    expect(page.get_by_text("operator, saying: he was called")).to_be_visible()
    expect(page.get_by_text("The run is done")).to_be_visible()
    effect = next(one for one in served.ended(run["id"])["effects"] if one["key"] == key)
    assert (effect["state"], effect["result"]) == ("done", {"booked": "by hand"})
    page.get_by_label("Reason, if you like").fill("slow")
    page.get_by_role("button", name="Badly done").click()
    expect(page.get_by_text("operator judged the run: badly done")).to_be_visible()
    expect(page.get_by_text("Its reward is 0.00 of 1")).to_be_visible()


def test_a_run_is_cancelled_only_after_it_was_confirmed(served: Served, visits: Visits) -> None:
    run = served.handle("customer.wronged", {"message": "twice", "amount": 3}, subject="mr-cancel")["id"]
    page = opened(visits, served, f"/runs/{run}")
    page.get_by_role("button", name="Cancel this run").click()
    page.get_by_role("button", name="Let it go on").click()
    assert served.ended(run)["status"] == "waiting"
    page.get_by_role("button", name="Cancel this run").click()
    page.get_by_role("button", name="Cancel the run").click()
    expect(page.get_by_text("The run is cancelled", exact=True).first).to_be_visible()
    assert served.ended(run)["status"] == "cancelled"
    expect(page.get_by_role("button", name="Cancel this run")).to_be_hidden()


def test_why_and_why_not_is_answered_for_any_tool(served: Served, visits: Visits) -> None:
    run = served.handle(subject="mr-why")["id"]
    page = opened(visits, served, f"/runs/{run}")
    page.get_by_label("Why was this tool called, or not?").select_option("pay_back")
    expect(page.locator("#why-answer")).to_contain_text("the portfolio does not allow pay_back")
    page.get_by_label("Why was this tool called, or not?").select_option("pause_mail")
    expect(page.locator("#why-answer")).to_contain_text("pause_mail was called")


def test_hostile_text_in_every_field_is_shown_as_text(served: Served, visits: Visits) -> None:
    data = {"message": HOSTILE, HOSTILE: HOSTILE}
    run = served.handle(subject=HOSTILE, source=f"/{HOSTILE}", data=data)["id"]
    page = opened(visits, served, f"/runs/{run}")
    expect(page.get_by_role("heading", level=1)).to_contain_text("<img src=x onerror=alert(1)>")
    for summary in page.locator("summary").all():
        summary.click()
    page.get_by_role("link", name="All of this subject").click()
    expect(page.locator("#runs-list > li")).to_have_count(1)
    page.get_by_text("More filters").click()
    for path in (
        f"/runs?{name}=%3Cscript%3Ealert(1)%3C/script%3E" for name in ("q", "type", "tool", "status", "before")
    ):
        page.goto(f"{served.console_url}{path}")
        live(page)
    assert page.locator("img").count() == 0


def test_a_run_that_does_not_exist_is_a_friendly_page_with_a_way_back(served: Served, visits: Visits) -> None:
    for name in ("01J9ZK3V8Q4T6N2M7R5W1X0YBC", "%3Cscript%3Ealert(1)%3C%2Fscript%3E", "x" * 3_000, "%00", "%E2%80%AE"):
        answer = served.ask("GET", f"/console/runs/{name}")
        assert answer.status_code == 404
        assert ("There is no such run" in answer.text) == ("%2F" not in name)
    page = visits.page(f"{served.console_url}/runs/%00")
    expect(page.get_by_role("heading", name="There is no such run")).to_be_visible()
    page.get_by_role("link", name="Look through all runs").click()
    expect(page).to_have_url(f"{served.console_url}/runs")


def test_a_viewer_is_offered_no_acts(guarded: Served, visits: Visits) -> None:
    run = guarded.handle("customer.asked", {"note": "dead line"}, subject="mr-called")["id"]
    page = visits.page(f"{guarded.console_url}/runs/{run}")
    sign_in(page, guarded, "vera")
    expect(page.get_by_text("Nobody knows whether it happened.").first).to_be_visible()
    for name in ("Cancel this run", "Say what became of it", "Well done", "Badly done"):
        expect(page.get_by_role("button", name=name)).to_have_count(0)
