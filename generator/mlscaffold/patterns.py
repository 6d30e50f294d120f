"""The shapes of answers as regular expressions that Python and JSON Schema (ECMA 262) read alike."""

from mlscaffold.numerals import TYPED

ROLE = "(?:po|ds|mle|swe|de|ops|expert)"

# No control characters, lone surrogates, line separators or byte-order marks: they break TOML, YAML or Markdown.
# Nor what cannot be seen and turns or hides what stands beside it, so that code and settings read as they run
# (Unicode Technical Standard 55). The joiners U+200C and U+200D stay: words of several scripts are written with them.
UNSEEN = "\\u061c\\u200b\\u200e\\u200f\\u202a-\\u202e\\u2060-\\u206f\\ufff9-\\ufffb"
PRINTABLE = f"[^\\u0000-\\u001f\\u007f-\\u009f\\u2028\\u2029\\ufeff\\ud800-\\udfff{UNSEEN}]*"
SLUG = "(?=.{2,49}(?![\\s\\S]))[a-z][a-z0-9]*(?:-[a-z0-9]+)*"
_STEP = "\\.?[A-Za-z0-9_][A-Za-z0-9._-]*"
FOLDER = f"(?!(?:[^\\s]*/)?\\.git(?:/|(?![\\s\\S]))){_STEP}(?:/{_STEP})*"
INTEGER = "(?:0|-?[1-9][0-9]{0,14})"
NUMBER = "-?(?:0|[1-9][0-9]{0,14})(?:\\.[0-9]{1,12})?"
DATE = (
    "(?:20[0-9]{2}-(?:(?:0[13578]|1[02])-(?:0[1-9]|[12][0-9]|3[01])|(?:0[469]|11)-(?:0[1-9]|[12][0-9]|30)"
    "|02-(?:0[1-9]|1[0-9]|2[0-8]))|20(?:[02468][048]|[13579][26])-02-29)"
)
EMAIL = "[A-Za-z0-9._%+-]+@[A-Za-z0-9-]+(?:\\.[A-Za-z0-9-]+)+"
ADDRESS = "https?://[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?(?::[0-9]{1,5})?(?:/[A-Za-z0-9._~-]+)*/?"
# A reference to an entity of Backstage's catalogue, [kind:][namespace/]name, by its validation of each part.
_ENTITY_NAME = "[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?"
_NAMESPACE = "(?=[^/]{1,63}/)[a-z0-9]+(?:-[a-z0-9]+)*/"
ENTITY = f"(?:[A-Za-z][A-Za-z0-9]{{0,62}}:)?(?:{_NAMESPACE})?{_ENTITY_NAME}"
CURRENCY = "[A-Z]{3}"
OWN = "own:[a-z][a-z0-9_]{0,39}"

_PERSON = "[^;=:\\s](?:[^;=:]{0,58}[^;=:\\s])?"
_SHARE = "(?:1(?:\\.0{1,6})?|0\\.[0-9]{0,5}[1-9][0-9]{0,5})"
_PERCENT = "(?:100(?:\\.0{1,6})?|(?!0+(?:\\.0+)?(?:;|\\s|(?![\\s\\S])))(?:0|[1-9][0-9]?)(?:\\.[0-9]{1,6})?)"
_SYSTEM = "[A-Za-z][A-Za-z0-9_. -]{0,58}[A-Za-z0-9]"


def several(item: str, signs: str = ";") -> str:
    """One or more items, separated by semicolons (or by other signs); spaces and empty parts do not matter."""
    gap = f"(?:\\s|[{signs}])*"
    return f"{gap}{item}(?:\\s*[{signs}]{gap}{item})*{gap}"


def names(least: int, most: int, shortest: int, longest: int, sign: str = ";") -> str:
    """`least` to `most` names of a length, separated by semicolons (or by another sign); empty parts are ignored.

    Raises `ValueError` for a length at which nothing can be listed.
    """
    if longest < 2:
        raise ValueError(f"names of at most {longest} characters cannot be listed")
    name = f"[^{sign}\\s][^{sign}]{{{max(shortest - 2, 0)},{longest - 2}}}[^{sign}\\s]"
    if shortest < 2:
        name = f"(?:[^{sign}\\s]|{name})"
    gap = f"(?:\\s|{sign})*"
    more = f"(?:\\s*{sign}{gap}{name}){{{max(least - 1, 0)},{most - 1}}}"
    listed = f"{gap}{name}{more}{gap}"
    return listed if least else f"(?:{listed}|{gap})"


TEAM = several(f"{ROLE}={_PERSON}:{_SHARE}")
SHARES = several(f"{_SYSTEM}={_PERCENT}")
OWNERS = several(f"{ROLE}=@[A-Za-z0-9][A-Za-z0-9_./-]{{0,98}}", ";,")
KEYS = several("[a-z][a-z0-9_]*")
IDS = several("[a-z][a-z0-9_]*=[1-9][0-9]{0,3}", ";,")

# Lists with their numbers as people type them: what a schema can know of `po=Ana:20%, ds=Bo:1`.
TYPED_LISTS = {
    "team": several(f"{ROLE}={_PERSON}:{TYPED}", ";,"),
    "shares": several(f"{_SYSTEM}={TYPED}", ";,"),
}
_DAYS = "(?:0|[1-9][0-9]{0,4})(?:\\.[0-9]{1,3})?"
THREE_DAYS = f"{_DAYS}\\s*/\\s*{_DAYS}\\s*/\\s*{_DAYS}"
EFFORTS = several(f"[a-z][a-z0-9_]*\\s*=\\s*{THREE_DAYS}", ";,")
ORIGIN = "[^;=\\s](?:[^;=]{0,98}[^;=\\s])?"


def any_case(word: str) -> str:
    """A pattern for a word whatever its capitals, without the flag that JSON Schema has no place for."""
    return "".join(f"[{letter.upper()}{letter}]" if letter.isalpha() else letter for letter in word)


def _words(*words: str) -> str:
    return "(?:" + "|".join(any_case(word) for word in words) + ")"


# What lets somebody in, and so may stand in no file: passwords inside addresses, parameters that carry a key or a
# signature, and keys that services hand out in a shape of their own. The name of an environment variable ($NAME,
# ${NAME}) in the place of a secret is none. Each alternative takes the whole secret, so that it can be cut out.
_VARIABLE = "\\$(?:[A-Za-z_][A-Za-z0-9_]*|\\{[A-Za-z_][A-Za-z0-9_]*\\})"
_END = "(?![\\s\\S])"
_PASSWORD = f"://[^ /@:]*:(?!{_VARIABLE}@)(?![0-9]{{0,5}}(?:[/?#]|{_END}))[^ ]*@"
_LONG_USER = f"://(?!{_VARIABLE}@)[^ /@:]{{20,}}@"
_CARRIERS = _words(
    "token", "password", "passwd", "passphrase", "pwd", "sig", "signature", "secret", "apikey", "api_key", "api-key",
    "access_key", "accesskey", "secret_key", "secretkey", "accountkey", "account_key", "private_key", "accesskeyid",
    "credential", "credentials", "subscription-key", "auth_key", "authkey",
)  # fmt: skip
_PARAMETER = (
    f"(?:[?&#; ]|^)[A-Za-z0-9_.-]*{_CARRIERS}(?:=|%3[Dd])(?!{_VARIABLE}(?:[&; ]|{_END}))[^&; ]+"
    f"|[?&]{any_case('key')}=(?!{_VARIABLE}(?:[&; ]|{_END}))[^&; ]{{16,}}"
)
_ISSUED = (
    "(?:AKIA|ASIA)[0-9A-Z]{16}|gh[pousr]_[A-Za-z0-9]{20,}|github_pat_[A-Za-z0-9_]{20,}|glpat-[A-Za-z0-9_-]{16,}"
    "|xox[abprs]-[A-Za-z0-9-]{10,}|hf_[A-Za-z0-9]{30,}|AIza[0-9A-Za-z_-]{30,}|dapi[0-9a-f]{32}"
    "|eyJ[A-Za-z0-9_-]{10,}[.]eyJ[A-Za-z0-9_-]{10,}[.][A-Za-z0-9_-]*|-----BEGIN [A-Z ]*PRIVATE KEY-----"
)
SECRET = f"{_PASSWORD}|{_LONG_USER}|{_PARAMETER}|{_ISSUED}"


def whole(pattern: str) -> str:
    """Anchor a pattern to the whole text; `$` alone would let a last line break through."""
    return f"^(?:{pattern})(?![\\s\\S])"


def number_range(low: float | None, high: float | None, strict: bool, integer: bool) -> str:
    """A pattern for exactly the number texts within the range: [low, high], or (low, high) where strict.

    Needed because an answers file holds texts, and JSON Schema can bound numbers but not texts.
    """
    shape = INTEGER if integer else NUMBER
    if low is None or high is None:
        return shape
    if low < 0:
        below = f"(?=-(?=[0-9.]*[1-9]){whole(_at_most(-low, strict))[1:]})"
        return f"(?:{below}|(?={whole(_at_most(high, strict))[1:]})){shape}"
    return f"(?={whole(_at_least(low, strict))[1:]})(?={whole(_at_most(high, strict))[1:]}){shape}"


def _at_least(low: float, strict: bool) -> str:
    whole_part, fraction = _digits(low)
    options = [f"[1-9][0-9]{{{len(whole_part)},}}(?:\\.[0-9]+)?"]
    options += [f"{larger}(?:\\.[0-9]+)?" for larger in _larger(whole_part)]
    options += [f"{whole_part}\\.{larger}[0-9]*" for larger in _larger(fraction, fixed_length=False)]
    options.append(_equal(whole_part, fraction, "[0-9]*[1-9][0-9]*" if strict else "[0-9]*", strict))
    return "(?:" + "|".join(options) + ")"


def _at_most(high: float, strict: bool) -> str:
    whole_part, fraction = _digits(high)
    options = [f"(?:0|[1-9][0-9]{{0,{len(whole_part) - 2}}})(?:\\.[0-9]+)?"] if len(whole_part) > 1 else []
    options += [f"{smaller}(?:\\.[0-9]+)?" for smaller in _smaller(whole_part)]
    options += [f"{whole_part}\\.{smaller}[0-9]*" for smaller in _smaller(fraction, fixed_length=False)]
    options += [f"{whole_part}(?:\\.{fraction[:length]})?" for length in range(len(fraction))]
    if not strict:
        options.append(_equal(whole_part, fraction, "0*", False))
    return "(?:" + "|".join(options) + ")"


def _digits(value: float) -> tuple[str, str]:
    whole_part, _, fraction = f"{value:.12f}".partition(".")
    return whole_part, fraction.rstrip("0")


def _equal(whole_part: str, fraction: str, tail: str, needs_tail: bool) -> str:
    if fraction or needs_tail:
        return f"{whole_part}\\.{fraction}{tail}"
    return f"{whole_part}(?:\\.{tail})?"


def _larger(digits: str, fixed_length: bool = True) -> list[str]:
    return [
        f"{digits[:at]}[{int(digit) + 1}-9]" + (f"[0-9]{{{len(digits) - at - 1}}}" if fixed_length else "")
        for at, digit in enumerate(digits)
        if digit != "9"
    ]


def _smaller(digits: str, fixed_length: bool = True) -> list[str]:
    first = 1 if fixed_length and len(digits) > 1 else 0
    return [
        f"{digits[:at]}[{first if at == 0 else 0}-{int(digit) - 1}]"
        + (f"[0-9]{{{len(digits) - at - 1}}}" if fixed_length else "")
        for at, digit in enumerate(digits)
        if int(digit) > (first if at == 0 else 0)
    ]
