"""Strategies for addresses: of each dialect by its grammar, and with one fault of the grammar's own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from string import ascii_lowercase, ascii_uppercase, digits
from typing import Final

from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from pgcontract.formats.email.addr_spec import CTEXT, DTEXT
from pgcontract.formats.email.mailbox import ATEXT, QTEXT
from pgcontract.formats.oracle.text_strategies import one_edit_from, words

_LETTERS: Final = ascii_lowercase + ascii_uppercase + digits
_MARKS: Final = "".join(sorted(ATEXT - set(_LETTERS)))
_NON_ASCII: Final = "äéøñßжπ例子がㅎ"

_atoms = words(_LETTERS + _MARKS)
_dot_strings = st.lists(_atoms, min_size=1, max_size=3).map(".".join)
_qtexts = words("".join(sorted(QTEXT)), min_size=0)
_quoted_pairs = st.sampled_from(["", '\\"', "\\\\", "\\ ", "\\a", "\\@"])
_quoted = st.tuples(_qtexts, _quoted_pairs, _qtexts).map(lambda pieces: f'"{"".join(pieces)}"')


def _labels(letters: str) -> SearchStrategy[str]:
    return words(letters + "-", max_size=10).map(lambda label: label.strip("-").replace("--", "-") or "x")


def _hosts(letters: str, min_labels: int = 1) -> SearchStrategy[str]:
    return st.tuples(
        st.lists(_labels(letters), min_size=min_labels - 1, max_size=3),
        st.sampled_from(["com", "de", "museum", "xn--p1ai", "example"]) | _labels(letters),
    ).map(lambda parts: ".".join((*parts[0], parts[1])))


def _at(locals_: SearchStrategy[str], domains: SearchStrategy[str]) -> SearchStrategy[str]:
    return st.tuples(locals_, domains).map("@".join)


_ipv4 = st.tuples(*[st.integers(0, 255)] * 4).map(lambda numbers: ".".join(map(str, numbers)))
_groups = st.lists(st.integers(0, 0xFFFF).map("{:x}".format), max_size=6)
_ipv6 = st.tuples(_groups, st.integers(0, 6)).map(
    lambda drawn: "IPv6:" + "::".join((":".join(drawn[0][: drawn[1]]), ":".join(drawn[0][drawn[1] :])))
)
_literals = st.one_of(_ipv4, _ipv6).map("[{}]".format)

_full = st.tuples(
    st.integers(1, 64), st.sampled_from((1, 62, 63)), st.integers(0, 3), st.sampled_from(_LETTERS), st.integers(1, 61)
).map(lambda sizes: f"{sizes[3] * sizes[0]}@{(sizes[3] * sizes[1] + '.') * sizes[2]}{'c' * (sizes[4] + 1)}")

_folds = st.sampled_from(["", "", "", " ", "\t", "\r\n ", " \r\n\t"])
_comments = words("".join(sorted(CTEXT)) + " ", min_size=0).map("({})".format)
_around = _folds | _comments
_domain_literals = words("".join(sorted(DTEXT)), max_size=10).map("[{}]".format)
_addr_specs = st.tuples(
    _around, _dot_strings | _quoted, _around, st.just("@"), _around, _hosts(_LETTERS + "_") | _domain_literals, _around
).map("".join)

_ADDRESSES: Final[Mapping[str, SearchStrategy[str]]] = {
    "rfc5321": st.one_of(
        _at(_dot_strings, _hosts(_LETTERS)), _at(_quoted, _hosts(_LETTERS)), _at(_dot_strings, _literals), _full
    ),
    "dot-atom": st.one_of(_at(_dot_strings, _hosts(_LETTERS, 2)), _full),
    "rfc6531": st.one_of(
        _at(words(_LETTERS + _NON_ASCII), _hosts(ascii_lowercase + _NON_ASCII)),
        _at(_quoted, _hosts(_NON_ASCII)),
        _at(_dot_strings, _hosts(_LETTERS) | _literals),
        _full,
    ),
    "rfc5322": st.one_of(_at(_dot_strings, _hosts(_LETTERS)), _addr_specs),
    "html": st.one_of(_at(words(_LETTERS + _MARKS + "."), _hosts(_LETTERS)), _full),
    "practical": st.one_of(
        _at(_dot_strings, _hosts(_LETTERS, 2)),
        _at(words(_LETTERS + _MARKS + _NON_ASCII + '".,;:<>()[]\\'), _hosts(_LETTERS + _NON_ASCII + "_", 2)),
        _full,
    ),
}


def addresses(dialect: str) -> SearchStrategy[str]:
    """Addresses of the dialect, but for its limits of length and the conditions no rule of grammar spells."""
    return _ADDRESSES[dialect]


def broken_addresses(valid: SearchStrategy[str], alphabet: str) -> SearchStrategy[str]:
    """A valid address with one fault that addresses have, or with one edit."""
    faulty = st.tuples(valid, st.sampled_from(_FAULTS)).map(lambda drawn: drawn[1](*_part(drawn[0])))
    return st.one_of(faulty, one_edit_from(valid, alphabet), one_edit_from(_ADDRESSES["dot-atom"], alphabet))


def _part(address: str) -> tuple[str, str]:
    local, _, domain = address.rpartition("@")
    return local, domain


_FAULTS: Final[tuple[Callable[[str, str], str], ...]] = (
    lambda local, domain: f".{local}@{domain}",
    lambda local, domain: f"{local}.@{domain}",
    lambda local, domain: f"{local[:1]}..{local[1:]}@{domain}",
    lambda local, domain: f"{local}@@{domain}",
    lambda local, domain: f"{local}{domain}",
    lambda local, domain: f"{local}@",
    lambda local, domain: f"@{domain}",
    lambda local, domain: f"{local}@.{domain}",
    lambda local, domain: f"{local}@{domain}.",
    lambda local, domain: f"{local}@{domain[:1]}..{domain[1:]}",
    lambda local, domain: f"{local}@-{domain}",
    lambda local, domain: f"{local}@{domain}-",
    lambda local, domain: f"{local}@{domain.replace('.', '-.', 1)}",
    lambda local, domain: f"{local}@{domain.replace('.', '.-', 1)}",
    lambda local, domain: f"{local}@{domain.replace('.', '_', 1)}",
    lambda local, domain: f"{local}@{domain.partition('.')[0]}",
    lambda local, domain: f"{local}@{domain}.1",
    lambda local, domain: f"{local}@{domain}.c",
    lambda local, domain: f"{local}@{domain}.c|m",
    lambda local, domain: f"{local}@[{domain}]",
    lambda local, domain: f'"{local}"@{domain}',
    lambda local, domain: f"{local}(c)@{domain}",
    lambda local, domain: f"{local} @{domain}",
    lambda local, domain: f"<{local}@{domain}>",
    lambda local, domain: f"{local}@{domain}\n",
    lambda local, domain: f"{'a' * 64}@{domain}",
    lambda local, domain: f"{'a' * 65}@{domain}",
    lambda local, domain: f"{local}@{'b' * 63}.com",
    lambda local, domain: f"{local}@{'b' * 64}.com",
    lambda local, domain: f"{local}@{domain}.{'c' * 64}",
    lambda local, domain: f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 61}",
    lambda local, domain: f"{'a' * 64}@{'b' * 63}.{'c' * 63}.{'d' * 62}",
)
