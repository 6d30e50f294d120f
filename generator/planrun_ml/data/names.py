"""Words in a column's name that speak of what happens after a prediction."""

import re

# The same words by which `mlscaffold new --data` proposes `known_after`; a test of the generator holds both equal.
_LATER = re.compile(
    r"(^|_)(result|results|ergebnis|outcome|resolution|resolved|closed|closing|refund|refunded|refunds|chargeback|"
    r"cancelled|canceled|cancellation|settled|settlement|payout|verdict|disposition|completed|completion|"
    r"finished|delivered|discharge|discharged|churned|writeoff|written_off|recovered|recovery|final|actual|"
    r"days_to|time_to|abgeschlossen|erledigt|erstattung)(_|$)"
)
# Somebody or something that has many rows; the same words as the generator's, too.
_GROUP = re.compile(
    r"(^|_)(customer|client|kunde|user|member|account|konto|patient|person|subject|household|supplier|vendor|lieferant|"
    r"store|shop|filiale|branch|site|plant|machine|device|sensor|vehicle|session|visit|query|search|qid|group|gruppe|"
    r"company|firm|seller|merchant|employee|student|school|hospital|ward|item|product|article|sku|card|policy|contract)"
    r"(_?(id|no|nr|number|nummer|key|code|name))?$"
)


def plain(name: str) -> str:
    """A name in small letters and underscores: "Closed At" and "closedAt" are closed_at."""
    spread = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"\W+", "_", spread.lower()).strip("_")


def comes_later(name: str) -> str:
    """The word in a name that speaks of what happens after the prediction; "" without one."""
    found = _LATER.search(plain(name))
    return found[2] if found else ""


def is_group(name: str) -> bool:
    """A name of somebody or something that has many rows."""
    return bool(_GROUP.search(plain(name)))
