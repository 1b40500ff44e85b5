"""Passwords, secrets, codes and waiting times."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pyotp
import pytest

from fieldstone.platform.http.credentials import bearer, of_cookie, tenant_of_one_time_token
from fieldstone.platform.identity.passwords import check_password, hash_password, verify_password
from fieldstone.platform.identity.secrets import (
    hash_secret,
    new_one_time_token,
    new_recovery_code,
    new_session_secret,
    new_token,
    tidy_recovery_code,
)
from fieldstone.platform.identity.throttle import PER_ACCOUNT, PER_ADDRESS, address_key, wait_s
from fieldstone.platform.identity.totp import matching_step
from fieldstone.platform.kernel.errors import Invalid

NOW = datetime(2026, 5, 6, 7, 8, 9, tzinfo=UTC)


def test_a_password_matches_its_hash_only_and_an_account_without_one_matches_nothing() -> None:
    stored = hash_password("a long enough pass phrase")
    assert stored.startswith("$argon2id$")
    assert verify_password(stored, "a long enough pass phrase")
    assert not verify_password(stored, "a long enough pass phrasE")
    assert not verify_password(None, "nobody has this password")
    assert not verify_password("not a hash", "anything at all")
    assert hash_password("same words again") != hash_password("same words again")


def test_the_same_letters_from_another_keyboard_are_the_same_password() -> None:
    assert verify_password(hash_password("Stra\u00dfe caf\u00e9 12"), "Stra\u00dfe cafe\u0301 12")


@pytest.mark.parametrize("password", ["a long enough pass phrase", "五个汉字的密码也可以", "x" * 190 + "abcd"])
def test_a_long_unusual_password_is_acceptable(password: str) -> None:
    check_password(password, about=("ann@example.com", "Ann Smith"))


@pytest.mark.parametrize("password", ["", "short", "password123", "1111111111", "Ann.Smithson at home"])
def test_a_password_that_is_easy_to_guess_is_not(password: str) -> None:
    with pytest.raises(Invalid):
        check_password(password, about=("smithson@example.com", "Ann Smithson"))


def test_secrets_name_their_tenant_and_are_all_different() -> None:
    token, session, once = new_token("acme-1"), new_session_secret("acme-1"), new_one_time_token("acme-1")
    assert bearer(f"Bearer {token}").tenant == "acme-1"
    presented = of_cookie(session)
    assert presented is not None
    assert presented.tenant == "acme-1"
    assert tenant_of_one_time_token(once) == "acme-1"
    assert len({hash_secret(new_token("a")) for _ in range(100)}) == 100
    assert tenant_of_one_time_token(token) is None
    assert of_cookie(token) is None


def test_a_recovery_code_is_understood_however_it_is_typed() -> None:
    for _ in range(50):
        code = new_recovery_code()
        assert tidy_recovery_code(code.lower().replace("-", " ")) == code
        assert tidy_recovery_code(code.replace("-", "")) == code


@pytest.mark.parametrize("seconds", [0, 29, 30, -30])
def test_a_code_counts_in_its_step_and_its_neighbours(seconds: int) -> None:
    secret = pyotp.random_base32()
    assert matching_step(secret, pyotp.TOTP(secret).at(NOW + timedelta(seconds=seconds)), NOW) is not None


def test_a_code_of_another_minute_does_not_count() -> None:
    secret = pyotp.random_base32()
    codes = {pyotp.TOTP(secret).at(NOW + timedelta(seconds=30 * step)) for step in (-1, 0, 1)}
    old = next(
        code
        for step in range(3, 50)
        if (code := pyotp.TOTP(secret).at(NOW - timedelta(seconds=30 * step))) not in codes
    )
    assert matching_step(secret, old, NOW) is None


def test_waiting_doubles_up_to_its_longest() -> None:
    waits = [wait_s(failures, PER_ACCOUNT) for failures in range(20)]
    assert waits[: PER_ACCOUNT.free] == [0] * PER_ACCOUNT.free
    assert waits[PER_ACCOUNT.free : PER_ACCOUNT.free + 4] == [1, 2, 4, 8]
    assert waits[-1] == PER_ACCOUNT.longest_s
    assert wait_s(10**9, PER_ADDRESS) == PER_ADDRESS.longest_s


def test_a_client_owns_a_whole_network_of_ipv6_addresses() -> None:
    assert address_key("2001:db8:1:2:3:4:5:6") == address_key("2001:db8:1:2:ffff::1")
    assert address_key("2001:db8:1:2:3:4:5:6") != address_key("2001:db8:1:3:3:4:5:6")
    assert address_key("192.0.2.1") != address_key("192.0.2.2")
