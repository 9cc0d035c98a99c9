"""IP and MAC addresses are found, versions and times are not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from precog.detection import pii


@pytest.fixture(scope="module", autouse=True)
def _ready():
    """The first use makes the hints ready, which takes longer than a single example may."""
    pii.gate()


def values(text: str, label: str, score: float = 0.5) -> list[str]:
    """What is found of a type."""
    found = (finding for finding in pii.find(text) if finding.label == label and finding.score >= score)
    return [text[slice(*finding.span)] for finding in found]


@pytest.mark.parametrize("address", ["91.198.174.192", "179.177.214.91", "2a02:ec80:300:ed1a::1"])
@pytest.mark.parametrize("text", ["{}", "from {}, again", "({})", "http://{}/x", "[{}]", "{}.", "{}です"])
def test_addresses_are_found(address, text):
    if "://" in text and ":" in address:
        text = text.replace("{}", "[{}]")
    assert values(text.format(address), "IP") == [address]


def test_a_port_does_not_hide_an_address():
    assert values("ssh 91.198.174.192:8022", "IP") == ["91.198.174.192"]


@pytest.mark.parametrize(
    "text",
    [
        "version 91.19.17.19",
        "v91.19.17.19",
        "Release 91.19.17.19",
        "see section 44.11.22.33",
        "1.3.6.1.4.1.311",
        "256.1.1.1",
        "091.1.1.1",
        "1.2.3.4-beta",
        "1.2.3.4",
        "12:30:59",
        "std::vector and a::b",
        "::",
        "a:b:c",
        "1:2:3:4:5:6:7",
    ],
)
def test_other_dotted_and_coloned_things_are_none(text):
    assert values(text, "IP") == []


@pytest.mark.parametrize(
    "address", ["127.0.0.1", "0.0.0.0", "10.1.2.3", "192.168.0.7", "255.255.255.255", "::1"]
)
def test_addresses_that_lead_to_nobody_count_little(address):
    findings = pii.find(f"listen on {address} please")
    assert all(finding.score < 0.5 for finding in findings)


@given(st.ip_addresses())
def test_any_address_can_be_looked_for(address):
    for finding in pii.find(f"from {address}."):
        assert finding.span[1] <= len(f"from {address}.")


@pytest.mark.parametrize("address", ["00:1A:2B:3C:4D:5E", "00-1a-2b-3c-4d-5e", "de:ad:be:ef:00:01"])
def test_mac_addresses_are_found(address):
    assert values(f"its card {address}, or so", "MAC") == [address]


def test_a_dotted_mac_needs_the_word():
    assert values("MAC address 001a.2b3c.4d5e", "MAC") == ["001a.2b3c.4d5e"]
    assert values("file 001a.2b3c.4d5e", "MAC") == []


@pytest.mark.parametrize(
    "text",
    ["00:1A:2B:3C:4D:5E:6F", "ff:ff:ff:ff:ff:ff", "00:00:00:00:00:00", "01-02-03-04-05-06", "10:20:30"],
)
def test_other_pairs_are_no_mac(text):
    assert values(text, "MAC") == []
