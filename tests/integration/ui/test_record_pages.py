"""Record pages and forms: what they show, what they refuse, and that nothing typed is lost."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

from tests.integration.ui.conftest import Browser
from tests.support.company import Company


def customer(acme: Company, name: str) -> str:
    return str(acme.add("customer", {"name": name})["id"])


def hidden(page: str, name: str) -> str:
    """The value of a hidden input."""
    found = re.search(rf'name="{name}" value="([^"]*)"', page)
    assert found, name
    return found[1].replace("&#34;", '"').replace("&quot;", '"')


def test_a_record_page_shows_name_path_values_and_asks_for_its_panels(acme: Company, admin: Browser) -> None:
    order = acme.add("work_order", {"subject": "Pump rattles", "type": "repair", "customer": acme.ids["customer"]})
    page = admin.get(f"/o/work_order/{order['id']}")
    assert page.status_code == 200, page.text
    assert "Pump rattles" in page.text
    assert 'class="path"' in page.text
    for panel in ("activity", "related"):
        assert f"/o/work_order/{order['id']}/{panel}" in page.text


def test_a_form_creates_a_record_and_leads_to_it(acme: Company, admin: Browser) -> None:
    answer = admin.post("/o/customer/new", {"name": "Alder Works", "tier": "gold"})
    assert answer.status_code == 303, answer.text
    page = admin.get(urlsplit(answer.headers["Location"]).path)
    assert "Alder Works" in page.text


def test_a_refused_form_comes_back_with_messages_and_everything_typed(admin: Browser) -> None:
    answer = admin.post("/o/customer/new", {"name": "", "phone": "+1 555 0100", "notes": "typed before"})
    assert answer.status_code == 422
    assert 'id="f-name-error"' in answer.text
    assert "+1 555 0100" in answer.text
    assert "typed before" in answer.text


def test_an_address_fills_a_form_in_advance_with_names_for_lookups(acme: Company, admin: Browser) -> None:
    page = admin.get(f"/o/site/new?name=Roof&customer={acme.ids['customer']}")
    assert page.status_code == 200
    assert 'value="Roof"' in page.text
    assert f'<option value="{acme.ids["customer"]}" selected>' in page.text


def test_an_unchanged_form_changes_nothing(acme: Company, admin: Browser) -> None:
    record = customer(acme, "Still")
    form = admin.get(f"/o/customer/{record}/edit").text
    sent = {"base": hidden(form, "base"), "revision": hidden(form, "revision"), "name": "Still", "phone": ""}
    assert admin.post(f"/o/customer/{record}/edit", sent).status_code == 303
    assert acme.get("customer", record)["revision"] == 1


def test_a_conflict_shows_both_values_and_the_choice_counts(acme: Company, admin: Browser) -> None:
    record = customer(acme, "Before")
    form = admin.get(f"/o/customer/{record}/edit").text
    base, revision = hidden(form, "base"), hidden(form, "revision")
    assert admin.home.as_("admin").patch(f"/api/v1/records/customer/{record}", {"name": "Theirs"}).status_code == 200

    mine = {"base": base, "revision": revision, "name": "Mine", "notes": "kept"}
    conflict = admin.post(f"/o/customer/{record}/edit", mine)
    assert conflict.status_code == 409
    assert "Theirs" in conflict.text
    assert "Mine" in conflict.text
    assert "kept" in conflict.text

    again = {**mine, "revision": hidden(conflict.text, "revision"), "choice.name": "theirs"}
    assert admin.post(f"/o/customer/{record}/edit", again).status_code == 303
    stored = acme.get("customer", record)
    assert (stored["name"], stored["notes"]) == ("Theirs", "kept")


def test_a_conflict_that_does_not_overlap_says_so(acme: Company, admin: Browser) -> None:
    record = customer(acme, "Both")
    form = admin.get(f"/o/customer/{record}/edit").text
    admin.home.as_("admin").patch(f"/api/v1/records/customer/{record}", {"notes": "theirs"})
    sent = {"base": hidden(form, "base"), "revision": hidden(form, "revision"), "name": "Both, mine", "notes": ""}
    answer = admin.post(f"/o/customer/{record}/edit", sent)
    assert answer.status_code == 409
    assert "They changed other values than you." in answer.text
    assert (
        admin.post(f"/o/customer/{record}/edit", {**sent, "revision": hidden(answer.text, "revision")}).status_code
        == 303
    )
    stored = acme.get("customer", record)
    assert (stored["name"], stored["notes"]) == ("Both, mine", "theirs")


def test_child_rows_are_written_with_their_record(acme: Company, admin: Browser) -> None:
    sent = {
        "subject": "Two lines",
        "customer": acme.ids["customer"],
        "lines.rows": ["", "0", "1"],
        "lines.0.description": "Labour",
        "lines.0.quantity": "2",
        "lines.0.unit_price.amount": "80",
        "lines.1.description": "",
    }
    answer = admin.post("/o/quote/new", sent)
    assert answer.status_code == 303, answer.text
    page = admin.get(urlsplit(answer.headers["Location"]).path).text
    assert "Labour" in page
    assert "$160.00" in page


def test_editing_in_place_answers_the_one_value(acme: Company, admin: Browser) -> None:
    record = customer(acme, "Inline")
    editor = admin.get(f"/o/customer/{record}/edit/name", HX_Request="true").text
    sent = {"name": "Inline two", "revision": hidden(editor, "revision")}
    answer = admin.post(f"/o/customer/{record}/edit/name", sent, HX_Request="true")
    assert answer.status_code == 200
    assert "Inline two" in answer.text
    assert "<html" not in answer.text
    stale = admin.post(f"/o/customer/{record}/edit/name", {**sent, "name": "Late"}, HX_Request="true")
    assert stale.status_code == 422
    assert "Late" in stale.text


def test_lookups_offer_what_their_filter_allows(acme: Company, admin: Browser) -> None:
    other = customer(acme, "Someone else")
    acme.add("site", {"name": "Their roof", "customer": other})
    offered = json.loads(admin.get(f"/lookup/work_order/site?q=&customer={other}").text)["results"]
    assert [each["label"] for each in offered] == ["Their roof"]
    assert any(
        each["id"] == other for each in json.loads(admin.get("/lookup/work_order/customer?q=Someone").text)["results"]
    )


def test_comments_and_changes_stand_in_the_activity(acme: Company, admin: Browser) -> None:
    record = customer(acme, "Talked about")
    admin.home.as_("admin").patch(f"/api/v1/records/customer/{record}", {"name": "Talked of"})
    made = admin.post(f"/o/customer/{record}/comments", {"body": "Call **before** noon"}, HX_Request="true")
    assert made.status_code == 200, made.text
    panel = admin.get(f"/o/customer/{record}/activity", HX_Request="true").text
    assert "<strong>before</strong>" in panel
    assert "Talked about" in panel
    assert admin.post(f"/o/customer/{record}/comments", {"body": " "}, HX_Request="true").status_code == 422


def test_markup_in_values_is_text(acme: Company, admin: Browser) -> None:
    record = customer(acme, '<script>alert("x")</script>')
    admin.post(f"/o/customer/{record}/comments", {"body": "<img src=x onerror=alert(1)>"}, HX_Request="true")
    for path in (
        f"/o/customer/{record}",
        f"/o/customer/{record}/activity",
        "/o/customer",
        f"/o/customer/{record}/edit",
    ):
        page = admin.get(path).text
        assert '<script>alert("x")' not in page
        assert "<img src=x" not in page


def test_a_button_asks_and_acts(acme: Company, admin: Browser) -> None:
    ticket = acme.add("ticket", {"subject": "Take me", "customer": acme.ids["customer"]})["id"]
    dialog = admin.get(f"/o/ticket/{ticket}/actions/ticket_take", HX_Request="true")
    assert dialog.status_code == 200, dialog.text
    assert 'class="panel' in dialog.text
    assert admin.post(f"/o/ticket/{ticket}/actions/ticket_take").status_code == 303
    assert admin.get(f"/o/ticket/{ticket}/actions/no_such_action").status_code == 404


def test_deleted_records_are_in_the_bin_and_come_back(acme: Company, admin: Browser) -> None:
    record = customer(acme, "Gone and back")
    assert admin.post(f"/o/customer/{record}/delete").status_code == 303
    assert admin.get(f"/o/customer/{record}").status_code == 404
    assert "Gone and back" in admin.get("/bin?object=customer").text
    assert admin.post(f"/o/customer/{record}/restore").status_code == 303
    assert admin.get(f"/o/customer/{record}").status_code == 200


def test_what_is_not_allowed_says_so_and_what_is_not_there_is_not_found(acme: Company, engineer: Browser) -> None:
    assert engineer.get("/o/no_such_object").status_code == 404
    assert engineer.get("/o/customer/00000000-0000-7000-8000-000000000001").status_code == 404
    assert engineer.get("/o/customer/not-an-id").status_code == 404
    assert engineer.get("/o/customer/new").status_code == 403
    record = customer(acme, "Closed to engineers")
    assert engineer.post(f"/o/customer/{record}/delete").status_code in (403, 404)
    assert acme.get("customer", record)["name"] == "Closed to engineers"


def test_a_stranger_is_sent_to_the_sign_in(acme: Company) -> None:
    answer = acme.app.test_client().get("/o/ticket?view=tickets_open", base_url="http://localhost")
    assert answer.status_code == 303
    assert answer.headers["Location"].startswith("/sign-in?next=/o/ticket")
