"""The OpenAPI document of a caller: valid, and only of what the caller may do."""

from openapi_spec_validator import OpenAPIV31SpecValidator


def described(acme, role):
    return acme.as_(role).get("/api/v1/openapi.json").json


def test_the_document_is_valid_openapi_and_has_every_object(acme):
    document = described(acme, "admin")
    OpenAPIV31SpecValidator(document).validate()
    assert {"get", "post"} <= document["paths"]["/records/ticket"].keys()


def test_what_a_caller_may_not_do_or_see_is_not_described(acme):
    document = described(acme, "engineer")
    assert "/records/quote" not in document["paths"]
    assert "post" not in document["paths"]["/records/customer"]
    assert "hourly_rate" not in document["components"]["schemas"]["resource_record"]["properties"]
    assert "hourly_rate" in described(acme, "admin")["components"]["schemas"]["resource_record"]["properties"]


def test_what_is_answered_is_what_is_described(acme):
    document = described(acme, "admin")
    record = acme.add("ticket", {"subject": "It drips", "customer": acme.ids["customer"]})
    assert set(record) <= document["components"]["schemas"]["ticket_record"]["properties"].keys()
