"""Signed requests: the text that is signed, byte for byte, and that no other passes."""

from __future__ import annotations

import attrs
import pytest
from nacl.signing import SigningKey

from xached.domain.api_keys import KeyAlgorithm, KeyId, LiveKey
from xached.domain.order import AccountId
from xached.security.signatures import is_genuine, read_signature, signed_text
from xached.security.tokens import encode_base64url

METHOD = "/xache.v1.TradingService/PlaceOrder"
BODY = bytes.fromhex("0a036f2d3112084254432d55534454")
SEED = bytes(range(32))
KEY_ID = KeyId("abcdefghijklmnopqrstuvwx")
STAMP = "1800000000000:AAAAAAAAAAAAAAAAAAAAAA"

VECTOR_TEXT = (
    b"XACHE-ED25519\n"
    b"abcdefghijklmnopqrstuvwx\n"
    b"/xache.v1.TradingService/PlaceOrder\n"
    b"e19f646b6192555112cc5a6519c5561c77a58140786939ce1c463d88616d3fad\n"
    b"1800000000000\n"
    b"AAAAAAAAAAAAAAAAAAAAAA"
)


def key(algorithm: KeyAlgorithm, verifier: bytes) -> LiveKey:
    return LiveKey(
        key_id=KEY_ID,
        account_id=AccountId("alice"),
        algorithm=algorithm,
        verifier=verifier,
        scopes=frozenset(),
        symbols=frozenset(),
        caps=(),
        networks=(),
        created_at_ns=0,
        expires_at_ns=1,
    )


ED25519 = key(KeyAlgorithm.ED25519, bytes(SigningKey(SEED).verify_key))
HMAC = key(KeyAlgorithm.HMAC_SHA256, SEED)

VECTORS = {
    "XACHE-ED25519": (
        "BECFW2in0Z_pxfZ03_XG3cEg60xdfCulHw-YDO03F9ELCHFoHf5XbsdA_PMgnlYqDuRZyVSUmMPOxmGIhpIYCw"
    ),
    "XACHE-HMAC-SHA256": "wlelpgref-BkJWmbnAvisM3cDSw7pVjm1rxHWW4tMi4",
}


@pytest.mark.parametrize(
    ("scheme", "live"), [("XACHE-ED25519", ED25519), ("XACHE-HMAC-SHA256", HMAC)]
)
def test_the_worked_example(scheme: str, live: LiveKey) -> None:
    header = f"{scheme} {KEY_ID}:{STAMP}:{VECTORS[scheme]}"
    signed = read_signature(header)
    assert signed is not None
    assert signed_text(signed, METHOD, BODY) == VECTOR_TEXT.replace(
        b"XACHE-ED25519", scheme.encode()
    )
    assert is_genuine(signed, live, METHOD, BODY)
    assert not is_genuine(signed, live, METHOD, b"")
    other = ED25519 if live is HMAC else HMAC
    assert not is_genuine(signed, other, METHOD, BODY)


def passes(header: str, method: str, body: bytes, live: LiveKey) -> bool:
    signed = read_signature(header)
    return signed is not None and signed.key_id == KEY_ID and is_genuine(signed, live, method, body)


@pytest.mark.parametrize(
    ("scheme", "live"), [("XACHE-ED25519", ED25519), ("XACHE-HMAC-SHA256", HMAC)]
)
def test_no_bit_of_a_signed_request_can_be_flipped(scheme: str, live: LiveKey) -> None:
    """Checked: it fails with the body left out of the text, or a signature read leniently."""
    header = f"{scheme} {KEY_ID}:{STAMP}:{VECTORS[scheme]}"
    assert passes(header, METHOD, BODY, live)
    for position in range(len(header)):
        for bit in range(8):
            # Latin-1 reaches every byte; what is not ASCII never leaves the transport.
            flipped = bytearray(header.encode())
            flipped[position] ^= 1 << bit
            assert not passes(flipped.decode("latin-1"), METHOD, BODY, live), (position, bit)
    for position in range(len(BODY)):
        for bit in range(8):
            changed = bytearray(BODY)
            changed[position] ^= 1 << bit
            assert not passes(header, METHOD, bytes(changed), live)
    for position in range(len(METHOD)):
        other = bytearray(METHOD.encode())
        other[position] ^= 1
        assert not passes(header, other.decode(), BODY, live)


def test_other_forms_are_not_read() -> None:
    good = f"XACHE-ED25519 {KEY_ID}:{STAMP}:{VECTORS['XACHE-ED25519']}"
    assert read_signature(good) is not None
    for bad in (
        "",
        "XACHE-ED25519",
        good.lower(),
        good.replace(" ", "  "),
        good + " ",
        " " + good,
        good + "=",
        good + "\n",
        good.replace("1800", "01800"),
        good.replace("1800", "+1800"),
        good.replace("1800", "١٨٠٠"),
        good.replace("A" * 22, "A" * 15),
        good.replace(":AAAA", ":AA A"),
        good.replace("XACHE-ED25519", "XACHE-NONE"),
        f"Bearer {good}",
        f"{good},{good}",
    ):
        assert read_signature(bad) is None, bad


def test_a_signature_of_another_length_is_refused() -> None:
    signed = read_signature(f"XACHE-ED25519 {KEY_ID}:{STAMP}:{encode_base64url(bytes(63))}")
    assert signed is not None
    assert not is_genuine(signed, ED25519, METHOD, BODY)
    assert not is_genuine(attrs.evolve(signed, signature=b""), ED25519, METHOD, BODY)
