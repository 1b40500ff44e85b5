"""List pages and the pages around them: state in the address, trimmed to the reader, few queries."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import quote

import pytest

from fieldstone.objects.access.service import Access
from fieldstone.objects.files.service import FileService
from fieldstone.objects.query.service import QueryService
from fieldstone.objects.records.service import RecordService
from fieldstone.platform.database.unit import SqlUnit
from fieldstone.platform.kernel.context import Context
from fieldstone.platform.units import Caller, SystemCredential, Units
from fieldstone.ui.lists.state import ListState
from fieldstone.ui.pages.forms import Asked, FormLook
from fieldstone.ui.pages.lists import ListParts
from fieldstone.ui.pages.lists import look as list_look
from fieldstone.ui.pages.page import PageMaker
from fieldstone.ui.pages.records import RecordParts
from fieldstone.ui.pages.records import look as record_look
from fieldstone.ui.shell import Place, Shell
from tests.integration.ui.conftest import Browser
from tests.support.company import Company

MOST_STATEMENTS = 6
"""Of a page at once; tabs' counts, related lists and panels come after it."""


def test_every_page_of_the_frame_answers(admin: Browser) -> None:
    for path in ("/", "/approvals", "/notifications", "/bin", "/jobs", "/profile", "/search?q=pump", "/home/numbers"):
        page = admin.get(path)
        assert page.status_code == 200, (path, page.text[:500])


def test_every_list_and_every_view_answers(acme: Company, admin: Browser) -> None:
    page = admin.get("/palette").json
    addresses = [each["href"] for each in page["results"] if each["href"].startswith("/o/")]
    assert len(addresses) >= 8
    for address in addresses:
        assert admin.get(address).status_code == 200, address


def test_a_chip_filters_and_says_so(acme: Company, admin: Browser) -> None:
    acme.add("customer", {"name": "Gold one", "tier": "gold"})
    acme.add("customer", {"name": "Bronze one", "tier": "bronze"})
    page = admin.get(f"/o/customer?f={quote('tier:one_of:gold')}").text
    assert "Gold one" in page
    assert "Bronze one" not in page
    assert 'class="chip-text"' in page


@pytest.mark.parametrize("query", ["f=tier:nonsense:x", "f=no_such:equals:x", "sort=no_such", "cursor=abc"])
def test_an_address_that_means_nothing_is_refused(admin: Browser, query: str) -> None:
    assert admin.get(f"/o/customer?{query}").status_code == 400


def test_an_unknown_view_is_not_found(admin: Browser) -> None:
    assert admin.get("/o/customer?view=no_such_view").status_code == 404


def test_a_search_finds_records_and_the_palette_too(acme: Company, admin: Browser) -> None:
    record = acme.add("customer", {"name": "Quixotic Mills"})["id"]
    assert f"/o/customer/{record}" in admin.get("/search?q=quixotic").text
    assert any(each["href"] == f"/o/customer/{record}" for each in admin.get("/palette?q=quixotic").json["results"])


def test_bulk_edit_counts_first_and_then_changes(acme: Company, admin: Browser) -> None:
    ids = [acme.add("customer", {"name": f"Bulk {n}", "tier": "bronze"})["id"] for n in range(3)]
    query = "&".join(f"ids={each}" for each in ids)
    dialog = admin.get(f"/o/customer/bulk?{query}&field=tier&all_matching=false", HX_Request="true").text
    assert "3 records are selected." in dialog
    done = admin.post("/o/customer/bulk", {"ids": ids, "field": "tier", "tier": "gold", "all_matching": "false"})
    assert done.status_code == 204
    assert {acme.get("customer", each)["tier"] for each in ids} == {"gold"}


def test_bulk_delete_of_all_that_match_leaves_the_others(acme: Company, admin: Browser) -> None:
    gone = acme.add("customer", {"name": "Zyx one"})["id"]
    stays = acme.add("customer", {"name": "Other"})["id"]
    address = "http://localhost/o/customer?q=Zyx"
    dialog = admin.get("/o/customer/bulk/delete?all_matching=true", HX_Request="true", HX_Current_URL=address).text
    assert "1 records would move to the bin" in dialog
    assert admin.post("/o/customer/bulk/delete", {"all_matching": "true", "address": address}).status_code == 204
    assert admin.get(f"/o/customer/{gone}").status_code == 404
    assert admin.get(f"/o/customer/{stays}").status_code == 200


def test_a_cell_of_a_list_is_edited_in_place(acme: Company, admin: Browser) -> None:
    record = acme.add("customer", {"name": "Celled", "tier": "bronze"})["id"]
    address = f"/o/customer/{record}/edit/tier?cell=1"
    assert address in admin.get("/o/customer?q=Celled").text
    editor = admin.get(address, HX_Request="true").text
    assert f'action="{address}"' in editor
    saved = admin.post(address, {"tier": "gold", "revision": "1"}, HX_Request="true").text
    assert saved.lstrip().startswith("<td")
    assert "Gold" in saved
    assert admin.post(address, {"tier": "none such", "revision": "2"}, HX_Request="true").status_code == 422


def test_pages_speak_the_readers_language(admin: Browser) -> None:
    page = admin.get("/o/customer", Accept_Language="zh-CN").text
    assert 'lang="zh-Hans"' in page
    assert "筛选" in page
    assert 'lang="zh-Hant"' in admin.get("/o/customer", Accept_Language="zh-TW").text


def test_pages_take_few_statements(acme: Company) -> None:
    record = acme.add("work_order", {"subject": "Counted", "type": "repair", "customer": acme.ids["customer"]})["id"]
    frame = acme.frame
    maker, access, query = frame.need(PageMaker), frame.need(Access), frame.need(QueryService)
    lists = ListParts(maker=maker, access=access, query=query)
    parts = RecordParts(
        maker=maker, access=access, query=query, records=frame.need(RecordService), files=frame.need(FileService)
    )

    def spent(work: Callable[[Context, SqlUnit], object]) -> int:
        """Statements of the page's own part and of the frame around it."""

        def read(ctx: Context, unit: SqlUnit) -> int:
            work(ctx, unit)
            frame.need(Shell).full(ctx, unit, Place(path="/", object="work_order"), "")
            return unit.statements

        return frame.need(Units).read(Caller(tenant="acme", credential=SystemCredential(), channel="system"), read)

    empty = ListState(path="/o/work_order")
    new, edit = Asked(object="work_order"), Asked(object="work_order", record=record)
    assert spent(lambda ctx, unit: list_look(lists, ctx, unit, "work_order", empty)) <= MOST_STATEMENTS
    assert spent(lambda ctx, unit: record_look(parts, ctx, unit, "work_order", record, "")) <= MOST_STATEMENTS
    assert spent(lambda ctx, unit: FormLook(parts, ctx, unit, new).look()) <= MOST_STATEMENTS
    assert spent(lambda ctx, unit: FormLook(parts, ctx, unit, edit).look()) <= MOST_STATEMENTS
