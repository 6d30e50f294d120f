"""What a column's name says about its part: words in a few languages, each list with the part it speaks for."""

import re


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


TARGET = _words(
    "target label labels class outcome response y churn churned fraud is_fraud fraudulent default defaulted converted "
    "conversion survived diagnosis species relevance grade graded sales demand units_sold price sale_price "
    "quality rating clicked click purchased bought returned late is_late cancelled canceled readmitted attrition "
    "deposit subscribed income spam is_spam ziel zielwert cible objetivo"
)
_YES = _words("1 1.0 true t yes y ja j wahr oui o vrai si sí s sim verdadero +")
_NO = _words("0 0.0 -1 false f no n nein falsch non faux nao não falso -")
READ_AS_YES = frozenset(("1", "1.0", "true", "yes"))  # by the rendered repository, without being told

_ID = re.compile(r"(^|_)(id|ids|uid|uuid|guid|no|nr|num|number|nummer|key|ref|reference|code|index|row)$")
_GROUP = re.compile(
    r"(^|_)(customer|client|kunde|user|member|account|konto|patient|person|subject|household|supplier|vendor|lieferant|"
    r"store|shop|filiale|branch|site|plant|machine|device|sensor|vehicle|session|visit|query|search|qid|group|gruppe|"
    r"company|firm|seller|merchant|employee|student|school|hospital|ward|item|product|article|sku|card|policy|contract)"
    r"(_?(id|no|nr|number|nummer|key|code|name))?$"
)
_QUERY = re.compile(r"(^|_)(query|search|qid|impression|session)(_?(id|no|nr|key))?$")
_GRADE = re.compile(r"(^|_)(relevance|relevanz|grade|graded|rel|gain)$")
_LATER = re.compile(
    r"(^|_)(result|results|ergebnis|outcome|resolution|resolved|closed|closing|refund|refunded|refunds|chargeback|"
    r"cancelled|canceled|cancellation|settled|settlement|payout|verdict|disposition|completed|completion|"
    r"finished|delivered|discharge|discharged|churned|writeoff|written_off|recovered|recovery|final|actual|"
    r"days_to|time_to|abgeschlossen|erledigt|erstattung)(_|$)"
)
_PERSONAL = re.compile(
    r"(^|_)(email|e_?mail|mail|phone|telephone|telefon|tel|mobile|handy|first_?name|last_?name|surname|full_?name|"
    r"vorname|nachname|birth|birth_?date|birthday|dob|date_of_birth|geburtsdatum|geburtstag|address|adresse|street|"
    r"strasse|iban|bic|ip|ip_?address|ssn|passport|tax_id|gender|sex|geschlecht|nationality|person|customer_name|"
    r"patient_name|client_name|user_?name|marital|marital_status|married|marriage|spouse|husband|husb|wife|children|"
    r"salary|wage)(_|$)|^age$"
)
_SPECIAL = re.compile(
    r"(^|_)(religion|religious|faith|ethnic|ethnicity|race|health|disease|diagnosis|disability|union|sexual_orientation|political|biometric|"
    r"genetic|hiv|medication|patient)(_|$)"
)


def plain(name: str) -> str:
    """A name in small letters and underscores: "Closed At" and "closedAt" are closed_at."""
    spread = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return re.sub(r"\W+", "_", spread.lower()).strip("_")


def may_be_target(name: str) -> bool:
    """A name that right answers often have."""
    return plain(name) in TARGET


def is_id(name: str) -> bool:
    """A name of what numbers the rows, such as order_no: it says nothing about the target."""
    return bool(_ID.search(plain(name)))


def is_group(name: str) -> bool:
    """A name of somebody or something that has many rows."""
    return bool(_GROUP.search(plain(name)))


def is_query(name: str) -> bool:
    """A name of the question that a ranking answers: rows that share it are ordered among themselves."""
    return bool(_QUERY.search(plain(name)))


def is_grade(name: str) -> bool:
    """A name of how well an item fits its query, the target of a ranking."""
    return bool(_GRADE.search(plain(name)))


def comes_later(name: str) -> str:
    """The word in a name that speaks of what happens after the prediction; "" without one."""
    found = _LATER.search(plain(name))
    return found[2] if found else ""


def is_personal(name: str) -> bool:
    """A name of what tells who a person is or is about one; law and people look at it twice."""
    return bool(_PERSONAL.search(plain(name)))


def is_special(name: str) -> bool:
    """A name of what the law guards most: health, belief, origin."""
    return bool(_SPECIAL.search(plain(name)))


def yes_of(values: frozenset[str]) -> str | None:
    """Which of two values says yes, where their words tell: "ja" of ja and nein. None where they do not."""
    yes = [value for value in values if value.lower() in _YES]
    no = [value for value in values if value.lower() in _NO]
    return yes[0] if len(values) == 2 and len(yes) == len(no) == 1 else None
