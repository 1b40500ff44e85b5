"""The API of records on each database: one house for each file of tests, with the metadata that the file declares."""

from tests.integration.records.conftest import home

__all__ = ["home"]
