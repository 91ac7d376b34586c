"""A line between a host and a switch, and what makes Linux's `tc` behave like it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Self

UNITS = {"kbit": 3, "mbit": 6, "gbit": 9, "us": -6, "ms": -3}
"""Powers of ten of bits/s and of seconds."""

PACKET = 1514
"""Bytes of a full packet with its Ethernet header, which is what `tc` counts."""

PAYLOAD = 1448
"""Bytes of them that a program has sent: without the headers of Ethernet, IP and TCP, and TCP's time stamps."""

BURST = 1e-4
"""Seconds for which an idle line may be faster than its rate, unless a packet takes more: this saves cutting them."""

SEGMENT = 72_000
"""Bytes of the longest segment that TCP hands to an interface, as `tc` counts the packets to be made of it."""

WAITING = {"bytes": 1 << 26, "packets": 100_000}
"""What may wait at a port: more than TCP has on its way, since it takes a fifth of a second to notice a loss."""


@dataclass(frozen=True)
class Link:
    """The line between a host and the switch.

    Attributes
    ----------
    rate : float or None
        Bits/s in each direction; None for what the machine manages.
    delay : float
        Seconds from one host to another, besides the machine's own.
    """

    rate: float | None = None
    delay: float = 0.0

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read "1gbit+0.1ms", "100mbit", "5ms" or "none".

        Raises
        ------
        ValueError
            If it is none of these.
        """
        found: dict[str, float] = {}
        for part in [] if text == "none" else text.split("+"):
            match = re.fullmatch(r"(\d+(?:\.\d+)?)([a-z]+)", part)
            if match is None or match[2] not in UNITS or float(match[1]) == 0.0:
                raise ValueError(f"link {text!r}: expected none, or a rate and a delay, such as 1gbit+0.1ms")
            found["rate" if match[2].endswith("bit") else "delay"] = float(f"{match[1]}e{UNITS[match[2]]}")
        return cls(**found)

    def __str__(self) -> str:
        parts = []
        if self.rate is not None:
            parts.append(f"{self.rate / 1e9:g} Gb/s" if self.rate >= 1e9 else f"{self.rate / 1e6:g} Mb/s")
        if self.delay:
            parts.append(f"{1e3 * self.delay:g} ms")
        return " + ".join(parts) or "unshaped"

    @property
    def bandwidth(self) -> float | None:
        """Bytes/s of a program's data; None without a rate."""
        return None if self.rate is None else self.rate / 8 * PAYLOAD / PACKET

    def sending(self) -> list[str]:
        """Queueing discipline of a host's interface, as words for `tc`; none without a rate.

        It lets a whole segment pass at once, which the switch then makes as slow as it should be. What it is for is
        that TCP waits here, as it does for a network card, and leaves no long queue in the switch: acknowledgements
        would wait there, too, and lines that are busy both ways would be a tenth slower.
        """
        return self._bucket(SEGMENT)

    def switching(self) -> list[str]:
        """Queueing discipline of the switch's port; with a delay it is netem, which some kernels lack."""
        if not self.delay:
            return self._bucket(2 * PACKET)
        rate = [] if self.rate is None else ["rate", f"{self.rate:.0f}bit"]
        return ["netem", "delay", f"{1e6 * self.delay:.0f}us", *rate, "limit", str(WAITING["packets"])]

    def _bucket(self, least: int) -> list[str]:
        if self.rate is None:
            return []
        burst = max(least, BURST * self.rate / 8)
        return ["tbf", "rate", f"{self.rate:.0f}bit", "burst", f"{burst:.0f}", "limit", str(WAITING["bytes"])]
