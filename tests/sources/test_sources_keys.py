"""Keys: hashing that others can recompute with the key, sealing that is the same on every run and tells nothing without it."""

import hashlib
import hmac
import pickle

import pytest

from wayprint.sources.keys import HASH_KEY, VAULT_KEY, BadKey, Keys

KEYS = Keys(bytes(range(32)), bytes(range(1, 33)))


def test_an_identifier_is_the_hmac_of_type_and_value_cut_to_32_digits():
    block = bytes(range(32)).ljust(64, b"\0")  # HMAC by its definition in RFC 2104
    inner = hashlib.sha256(bytes(b ^ 0x36 for b in block) + b"login\0C1").digest()
    assert KEYS.identifier_id("login", "C1") == hashlib.sha256(bytes(b ^ 0x5C for b in block) + inner).hexdigest()[:32]


def test_type_and_value_cannot_be_shifted_into_each_other():
    assert KEYS.identifier_id("a", "b:c") != KEYS.identifier_id("a:b", "c")


def test_what_is_sealed_opens_again_and_is_the_same_bytes_each_time():
    for clear in (b"", b"x", "Éloïse".encode(), b"\0" * 100_000):
        assert KEYS.open(KEYS.seal(clear)) == clear
        assert KEYS.seal(clear) == pickle.loads(pickle.dumps(KEYS)).seal(clear)


def test_sealed_bytes_hold_nothing_of_the_clear_value():
    assert b"jeanne" not in KEYS.seal(b"jeanne" * 50)


def test_another_key_or_an_altered_byte_is_told_and_not_opened():
    sealed = KEYS.seal(b"jeanne@example.fr")
    other = Keys(bytes(range(32)), bytes(32))
    altered = sealed[:-1] + bytes([sealed[-1] ^ 1])
    for keys, text in ((other, sealed), (KEYS, altered), (KEYS, b"short")):
        with pytest.raises(BadKey, match=VAULT_KEY):
            keys.open(text)


def test_the_nonce_follows_the_encrypted_bytes_so_it_never_serves_two_texts():
    sealed = [KEYS.seal(str(n).encode()) for n in range(5_000)]
    assert len({s[:12] for s in sealed}) == len(sealed)


@pytest.mark.parametrize("given", [{}, {HASH_KEY: "", VAULT_KEY: "11" * 32}, {HASH_KEY: "zz" * 32, VAULT_KEY: "11" * 32},
    {HASH_KEY: "00" * 31, VAULT_KEY: "11" * 32}])
def test_a_missing_or_wrong_key_is_told_with_the_way_to_make_one(given):
    with pytest.raises(BadKey, match=HASH_KEY) as caught:
        Keys.from_environment(given)
    assert "secrets.token_hex(32)" in str(caught.value)
    assert not any(value and value in str(caught.value) for value in given.values())


def test_keys_do_not_show_themselves():
    assert bytes(range(32)).hex() not in repr(KEYS)
    assert hmac.compare_digest(repr(KEYS), f"Keys(check={KEYS.check!r})")


def test_the_check_changes_with_either_key():
    assert len({KEYS.check, Keys(bytes(32), bytes(range(1, 33))).check, Keys(bytes(range(32)), bytes(32)).check}) == 3
