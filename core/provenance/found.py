"""What was found in a file beside its sound, and its plain-JSON form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from core.plain import printable_in

SCHEMA = "spoofscope.provenance/1"
"""Name and version of the dictionary that `Provenance.to_dict` makes."""

Checked = Literal["fits", "differs", "not checked"]
Trust = Literal["listed", "unknown", "no list"]


@dataclass(frozen=True)
class Manifest:
    """One signed statement about a file.

    Attributes
    ----------
    signer, name : str
        Organisation and common name in the certificate; empty where there is none.
    time : str
        When a time-stamping authority says that it was signed; empty without one.
    generator : str
        Program that made the statement.
    source_types : tuple of str
        Last part of each IPTC digital source type, such as ``trainedAlgorithmicMedia``.
    actions : tuple of (str, str, str)
        What was done, by which program, and when, as the statement says.
    """

    signer: str = ""
    name: str = ""
    time: str = ""
    generator: str = ""
    source_types: tuple[str, ...] = ()
    actions: tuple[tuple[str, str, str], ...] = ()


@dataclass(frozen=True)
class Credentials:
    """Content Credentials (C2PA) of a file, checked without a network.

    Attributes
    ----------
    manifests : tuple of Manifest
        The newest first, then those it was made from; empty where nothing could be read.
    signature, sound, claims : str
        Whether the signature fits the statement, the file's bytes fit it, and its parts fit it:
        ``fits``, ``differs`` or ``not checked``.
    expired : bool
        Whether the certificate had run out, with no time stamp from before.
    trust : str
        ``listed``: the signer is on the operator's list; ``unknown``: it is not; ``no list``.
    earlier_fit : bool
        Whether every earlier statement fits, as far as the newest says.
    problems : tuple of str
        Codes of all failures, as C2PA names them.
    remote : str
        Where the credentials are kept, if not in the file; never fetched.
    damaged : bool
        Whether there are credentials that cannot be read.
    """

    manifests: tuple[Manifest, ...] = ()
    signature: Checked = "not checked"
    sound: Checked = "not checked"
    claims: Checked = "not checked"
    expired: bool = False
    trust: Trust = "no list"
    earlier_fit: bool = True
    problems: tuple[str, ...] = ()
    remote: str = ""
    damaged: bool = False

    @property
    def intact(self) -> bool:
        """Whether signature, sound and statement fit, and nothing else is wrong."""
        fit = self.signature == self.sound == self.claims == "fits"
        return fit and not (self.expired or self.problems)


@dataclass(frozen=True)
class Sign:
    """One thing that the file shows of its history.

    Attributes
    ----------
    code : str
        A stable word for programs; `core.show.provenance.history` says what each means.
    values : mapping
        What was measured or read, in plain JSON types.
    places : tuple of (float, float)
        Where, in seconds of the file.
    """

    code: str
    values: Mapping[str, Any]
    places: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Provenance:
    """All of it.

    Attributes
    ----------
    credentials : Credentials or None
        None where the file holds and names none.
    signs : tuple of Sign
        In the order in which they are told.
    personal : tuple of (str, str)
        Tags that may name people and places. They are for the visitor alone: `to_dict` leaves
        them out unless asked.
    notes : tuple of str
        What could not be looked at, as sentences.
    """

    credentials: Credentials | None = None
    signs: tuple[Sign, ...] = ()
    personal: tuple[tuple[str, str], ...] = ()
    notes: tuple[str, ...] = ()

    def sign(self, code: str) -> Sign | None:
        """The sign of that code."""
        return next((sign for sign in self.signs if sign.code == code), None)

    def to_dict(self, personal: bool = False) -> dict[str, Any]:
        """Plain JSON types only; tags that may name people and places only where asked."""
        data = {"schema": SCHEMA, **_plain(asdict(self))}
        if not personal:
            del data["personal"]
        return data

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Provenance:
        """Rebuild what `to_dict` made; every text as `core.plain.printable` shows it.

        Raises
        ------
        KeyError, TypeError, ValueError
            If a field is missing, unknown or of the wrong kind.
        """
        if data.get("schema") != SCHEMA:
            raise ValueError(f"not of the form {SCHEMA}")
        data = printable_in(dict(data))
        held = data["credentials"]
        return cls(
            None if held is None else _credentials(held),
            tuple(
                Sign(str(s["code"]), dict(s["values"]), _pairs(s["places"], float))
                for s in data["signs"]
            ),
            _pairs(data.get("personal", ()), str),
            tuple(map(str, data["notes"])),
        )


def _credentials(held: dict[str, Any]) -> Credentials:
    manifests = tuple(
        Manifest(
            **{
                **m,
                "source_types": tuple(map(str, m["source_types"])),
                "actions": tuple((str(a), str(b), str(c)) for a, b, c in m["actions"]),
            }
        )
        for m in held["manifests"]
    )
    return Credentials(
        **{**held, "manifests": manifests, "problems": tuple(map(str, held["problems"]))}
    )


def _pairs(items: Any, kind: Any) -> tuple[Any, ...]:
    return tuple((kind(a), kind(b)) for a, b in items)


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    return value.item() if hasattr(value, "item") else value
