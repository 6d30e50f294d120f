"""The forms of files: names, a sample spread over the file, and counts, read with bounded memory.

A text file is gone through once to count its rows and to draw the sample; a second time where the values of a few
columns are counted. Nothing is guessed about what cannot be read: that is an error with a sentence.
"""

import codecs
import contextlib
import csv
import gzip
import io
import itertools
import math
import operator
import random
import re
import sqlite3
import stat
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from mlscaffold.errors import UnreadableData

CELLS, MOST_ROWS, LEAST_ROWS = 1_000_000, 10_000, 500  # of the sample
LONGEST = 1 << 20  # characters of one line, and of one value
PIECE = 1 << 18  # characters that are read at once
MOST_TEXT = 2 << 30  # characters of a text file that are read; the rest is said to be unread
MOST_COLUMNS = 10_000
BATCH = 10_000  # rows that are counted at once
MOST_VALUES = 100  # different values of one column that are counted
HEAD = 65536  # bytes that show what a file is
LOOK = 200  # lines that show whether a comma separates decimals, as the rendered repository looks at them
MISSING = frozenset(("", "NA", "N/A", "NaN", "nan", "null", "NULL", "None"))  # as the rendered repository reads them
# Names that the rendered repository's own queries use.
OWN = frozenset(("_row", "_split", "_key", "_target", "_group", "_day", "_cluster", "_query", "_y", "_n"))
TABLE_HINT = "Save it as CSV (UTF-8, the first line naming the columns), SQLite or Parquet."

Row = Sequence[str]


@dataclass(frozen=True)
class Form:
    """How a file holds its rows."""

    kind: str  # "text", "sqlite" or "parquet"
    encoding: str = "utf-8"
    separator: str = ""
    decimal: str = "."
    packed: bool = False  # by gzip
    query: str = ""  # of a database
    tables: tuple[str, ...] = ()  # that a database holds

    @property
    def said(self) -> str:
        """The form in words."""
        if self.kind != "text":
            return {"sqlite": "SQLite", "parquet": "Parquet"}[self.kind]
        mark = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}[self.separator]
        parts = [f"CSV with {mark}"]
        parts += ["decimal commas"] if self.decimal == "," else []
        parts += [ENCODINGS[self.encoding]] if self.encoding not in ("utf-8", "utf-8-sig") else []
        return ", ".join([*parts, "gzipped"] if self.packed else parts)


@dataclass(frozen=True)
class Table:
    """What was read: names, a sample of the rows in their order, and how many there are."""

    path: Path
    form: Form
    names: tuple[str, ...]
    sample: tuple[Row, ...]
    rows: int
    size: int  # bytes of the file
    stamp: tuple[int, int]  # size and time of the last change, to see a change by
    notes: tuple[str, ...] = field(default=())

    @property
    def whole(self) -> bool:
        """Whether the sample is every row."""
        return len(self.sample) == self.rows

    def column(self, name: str) -> list[str]:
        """The sampled values of a column, missing ones as the empty text."""
        at = self.names.index(name)
        return ["" if (value := row[at].strip()) in MISSING else value for row in self.sample]


GUESSED = ("cp1252", "latin-1")  # in this order: Windows-1252 is Latin-1 with letters where that has controls
ENCODINGS = {"utf-16": "UTF-16", "utf-32": "UTF-32", "cp1252": "Windows-1252", "latin-1": "Latin-1"}


def read(path: Path, query: str = "") -> Table:
    """Names, sample and row count of a file. `query` says which rows a database gives.

    Raises `UnreadableData` for what is no table, and for a database whose table nobody has named.
    """
    before = _stamp(path)
    form = form_of(path)
    if form.kind == "sqlite":
        table = _read_sqlite(path, form, query)
    elif form.kind == "parquet":
        table = _read_parquet(path, form)
    else:
        table = _read_text(path, form)
    if _stamp(path) != before:
        raise UnreadableData(path.name, "changed while it was being read", "Wait until it is written, then try again.")
    _check_names(path.name, table.names)
    if not table.rows:
        raise UnreadableData(path.name, "holds names and no rows", "Add the rows, or name another file.")
    if len(table.names) < 2:
        raise UnreadableData(
            path.name,
            f'has one column only ("{table.names[0]}"), so that nothing is left to predict from',
            "If values are separated by something other than , ; | or a tab, save it with commas.",
        )
    return table


def count_values(table: Table, name: str) -> Counter[str]:
    """How often each value of a column occurs in all rows; missing values under the empty text.

    A column with more than `MOST_VALUES` different values has the others together under "…".
    Raises `UnreadableData` for what is no table.
    """
    sampled = table.column(name)
    if table.whole:
        return _capped(Counter(sampled))
    value = operator.itemgetter(table.names.index(name))
    counter: Counter[str] = Counter()
    with _rows(table.path, table.form) as rows:
        if len(set(sampled)) > MOST_VALUES:  # only whether there is a value counts
            missing = sum(map(MISSING.__contains__, map(str.strip, map(value, rows))))
            counter = Counter(sampled)
            del counter[""]
            return _capped(counter + Counter({"": missing, "…": table.rows - missing - counter.total()}))
        counted = -1
        while counted < (counted := counter.total()):
            counter.update(map(value, itertools.islice(rows, BATCH)))
            if len(counter) > BATCH:
                counter = _capped(_missing_together(counter))
    return _capped(_missing_together(counter))


def _missing_together(counter: Counter[str]) -> Counter[str]:
    together: Counter[str] = Counter()
    for value, count in counter.items():
        plain = value.strip()
        together["" if plain in MISSING else plain] += count
    return together


def _capped(counter: Counter[str]) -> Counter[str]:
    most = Counter(dict(counter.most_common(MOST_VALUES)))
    most[""] = counter[""]
    rest = counter.total() - most.total()
    if rest:
        most["…"] += rest
    return +most


# ------------------------------------------------------------------------------------------------ which form it has


def form_of(path: Path) -> Form:
    """What kind of file this is. Raises `UnreadableData` for a folder, a pipe, an empty file and what is no table."""
    head = _head(path)
    if head[:2] == b"\x1f\x8b":
        return _text_form(path, packed=True)
    if head.startswith(b"SQLite format 3\0"):
        return Form("sqlite")
    if head[:4] == b"PAR1":
        return Form("parquet")
    if head[:4] == b"PK\x03\x04":
        what = "an Excel workbook" if path.suffix.lower() in (".xlsx", ".xlsm") else "a zip archive"
        raise UnreadableData(path.name, f"is {what}, not a table", TABLE_HINT)
    if re.match(rb"(\xef\xbb\xbf)?\s*(<[!a-zA-Z?]|[\[{]\s*[{\"])", head):
        raise UnreadableData(path.name, "is HTML, XML or JSON, not a table", TABLE_HINT)
    return _text_form(path, packed=False)


def _head(path: Path) -> bytes:
    """The first bytes of a plain file. A pipe is not opened: it would wait for a writer, and can be read once only."""
    name = path.name or str(path)
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise UnreadableData(name, "is a folder", "Name one file in it.")
        if not stat.S_ISREG(mode):
            what = "is a pipe or a device, and the file must be read more than once"
            raise UnreadableData(name, what, "Save what it gives into a file first.")
        with path.open("rb") as file:
            head = file.read(HEAD)
    except FileNotFoundError:
        hint = "Save what it gives into a file first." if name == "-" else "Check the path; addresses are not fetched."
        raise UnreadableData(name, "is not there", hint) from None
    except OSError as error:
        hint = "Give yourself the right to read it, or name another file."
        raise UnreadableData(name, f"cannot be read ({error.strerror})", hint) from None
    if not head.strip():
        raise UnreadableData(name, "is empty", "Name a file with rows in it.")
    return head


def _stamp(path: Path) -> tuple[int, int]:
    try:
        facts = path.stat()
    except OSError:
        return (0, 0)  # what is wrong is said when it is opened
    return facts.st_size, facts.st_mtime_ns


def _text_form(path: Path, packed: bool) -> Form:
    """Encoding, separator and decimal mark of a text file."""
    with _unpacked(path, packed) as file:
        head = file.read(HEAD * 4)
    encoding = _encoding(head)
    text = codecs.getincrementaldecoder(encoding)("replace").decode(head)
    if "\0" in text or _mostly_control(text):
        raise UnreadableData(path.name, "holds bytes that are no text", TABLE_HINT)
    some = list(itertools.islice(io.StringIO(text, newline=""), LOOK))
    if not some or not some[0].strip():
        raise UnreadableData(path.name, "has an empty first line", "The first line must name the columns.")
    bare = re.sub(r'"[^"]*"', "", some[0])
    separator = max((",", ";", "\t", "|"), key=bare.count)
    fields = [part.strip() for line in some[1:] for part in line.split(separator)]
    commas, points = (any(re.fullmatch(rf"[+-]?\d+{mark}\d+", part) for part in fields) for mark in (",", r"\."))
    decimal = "," if separator != "," and commas and not points else "."
    return Form("text", encoding, separator, decimal, packed)


def _encoding(head: bytes) -> str:
    """By its mark, or UTF-8 where all of the file is, or else Latin-1, in which any bytes are letters."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8-sig"),
        (codecs.BOM_UTF32_LE, "utf-32"),
        (codecs.BOM_UTF32_BE, "utf-32"),
        (codecs.BOM_UTF16_LE, "utf-16"),
        (codecs.BOM_UTF16_BE, "utf-16"),
    ):
        if head.startswith(mark):
            return encoding
    try:
        codecs.getincrementaldecoder("utf-8")().decode(head)
    except UnicodeDecodeError:
        return GUESSED[0]
    return "utf-8"


def _mostly_control(text: str) -> bool:
    odd = sum(character < " " and character not in "\t\r\n\f" for character in text[:4096])
    return odd * 20 > min(len(text), 4096)


# ------------------------------------------------------------------------------------------------------ text files


def _read_text(path: Path, form: Form) -> Table:
    """In the encoding its first bytes show, or else in one of those in which nearly any byte is a letter."""
    marked = form.encoding not in ("utf-8", *GUESSED)
    for encoding in (form.encoding, *(() if marked else GUESSED)):
        with contextlib.suppress(UnicodeDecodeError):
            return _drawn(path, replace(form, encoding=encoding))
    raise UnreadableData(path.name, f"is not the {ENCODINGS.get(form.encoding, 'UTF-8')} it begins as", TABLE_HINT)


def _drawn(path: Path, form: Form) -> Table:
    """One pass: every row is counted and held against the number of names, and a sample is drawn on the way."""
    stamp = _stamp(path)
    notes: list[str] = []
    with _lines(path, form) as lines:
        reader = csv.reader(lines, delimiter=form.separator, strict=True)
        with _told(path, reader):
            names = _named(path, next(reader, []))
        wide = len(names)
        drawn = _Draw(wide)
        count, due = 0, 0
        with _told(path, reader):
            for row in reader:
                if len(row) != wide:
                    if not row:
                        continue
                    what = f"line {reader.line_num} holds {len(row)} values for {wide} columns"
                    raise UnreadableData(path.name, f"is no table: {what}", "Correct it in the file.")
                if count == due:
                    due = drawn.keep(count, row)
                count += 1
        if lines.cut_off:
            read_part = f"{MOST_TEXT >> 30} GiB"
            notes.append(f"Only the first {read_part} of text were read: there are more rows than {count:,}.")
    sample = tuple(drawn.rows())
    _refuse_missing_names(path, names, sample)
    return Table(path, form, names, sample, count, stamp[0], stamp, tuple(notes))


class _Draw:
    """A sample in which every row is as likely, drawn while the rows go by; `keep` says which one is due next.

    Reservoir sampling with skips, algorithm L of Li (1994), "Reservoir-sampling algorithms of time complexity
    O(n(1+log(N/n)))": most rows cost one comparison.
    """

    def __init__(self, wide: int) -> None:
        self._most = max(LEAST_ROWS, min(MOST_ROWS, CELLS // max(1, wide)))
        self._kept: list[tuple[int, Sequence[Any]]] = []
        self._share = 1.0
        self._chance = random.Random(wide)  # noqa: S311  (the same file gives the same sample)

    def keep(self, count: int, row: Sequence[Any]) -> int:
        """Take the row with this number; the number of the next row to take."""
        if len(self._kept) < self._most:
            self._kept.append((count, row))
        else:
            self._kept[self._chance.randrange(self._most)] = (count, row)
        if len(self._kept) < self._most:
            return count + 1
        self._share *= self._random() ** (1 / self._most)
        return count + 1 + math.floor(math.log(self._random()) / math.log1p(-self._share))

    def rows(self) -> Iterator[Sequence[Any]]:
        """The kept rows in the order of the file."""
        return (row for _, row in sorted(self._kept, key=lambda entry: entry[0]))

    def _random(self) -> float:
        return self._chance.random() or 0.5  # never 0, whose logarithm does not exist


def _named(path: Path, first: Row) -> tuple[str, ...]:
    """The names of the columns; one without a name is called as the rendered repository calls it."""
    if len(first) > MOST_COLUMNS:
        raise UnreadableData(path.name, f"has {len(first):,} columns", f"At most {MOST_COLUMNS:,} can be looked at.")
    return tuple(name.strip() or f"column{at}" for at, name in enumerate(first))


def _refuse_missing_names(path: Path, names: Sequence[str], sample: Sequence[Row]) -> None:
    """A first line that is like the lines below it holds no names. Years as names of numbers are names."""
    numeric = [at for at in range(len(names)) if _all_numbers(sample, at)]
    odd = [names[at] for at in numeric if _is_number(names[at])]
    years = all(re.fullmatch(r"(19|20)\d\d", name) for name in odd)
    if numeric and len(odd) == len(numeric) and not (years and len(odd) < len(names)):
        what = f'has no line of names: its first line holds "{odd[0]}"'
        raise UnreadableData(path.name, what, "Put a line in front that names the columns.")


def _all_numbers(sample: Sequence[Row], at: int) -> bool:
    values = [value for row in sample[:LOOK] if (value := row[at].strip()) not in MISSING]
    return bool(values) and all(_is_number(value) for value in values)


def _is_number(text: str) -> bool:
    return re.fullmatch(r"[+-]?\d+([.,]\d+)*([eE][+-]?\d+)?", text.strip()) is not None


@contextlib.contextmanager
def _rows(path: Path, form: Form) -> Iterator[Iterator[Row]]:
    """Every row of a file once more."""
    if form.kind == "sqlite":
        with _database(path) as connection:
            yield (tuple(_text_of(value) for value in row) for row in connection.execute(form.query))
    elif form.kind == "parquet":
        with _duckdb(path) as connection:
            cursor = connection.execute("select * from read_parquet(?)", [str(path)])
            yield (tuple(_text_of(value) for value in row) for row in _fetched(cursor))
    else:
        with _lines(path, form) as lines:
            reader = csv.reader(lines, delimiter=form.separator, strict=True)
            next(reader, None)
            yield filter(None, reader)  # without the empty lines


@contextlib.contextmanager
def _told(path: Path, reader: Any) -> Iterator[None]:
    """The reader's complaints as sentences."""
    try:
        yield
    except csv.Error as error:
        what = "is no table: a quotation mark is never closed, or stands alone"
        sentence = f"{what} (before line {reader.line_num + 1})"
        if "limit" in str(error):
            sentence = "holds a value longer than a million characters"
        raise UnreadableData(path.name, sentence, "Correct it in the file.") from None


class _Lines:
    """The lines of a text file, none longer than `LONGEST`, no more than `MOST_TEXT` characters in all.

    They are cut out of large pieces, so that no line costs a step of Python's own, and no line without an end is held.
    """

    def __init__(self, name: str, read: Callable[[int], str]) -> None:
        self.name = name
        self.cut_off = False
        self._read = read

    def __iter__(self) -> Iterator[str]:
        return itertools.chain.from_iterable(self._pieces())

    def _pieces(self) -> Iterator[io.StringIO]:
        left, begun, lines = MOST_TEXT, "", 0
        while left > 0 and (piece := self._read(PIECE)):
            left -= len(piece)
            if "\0" in piece:
                line = lines + 1 + _ends(piece[: piece.index("\0")])
                raise UnreadableData(self.name, f"holds a NUL byte in line {line}", TABLE_HINT)
            end = max(piece.rfind("\n"), piece.rfind("\r", 0, -1)) + 1  # a last \r may be half of \r\n
            if not end:
                begun += piece
            else:
                whole = begun + piece[:end]
                yield io.StringIO(whole, newline="")
                lines += _ends(whole)
                begun = piece[end:]
            if len(begun) > LONGEST:
                what = f"has a line {lines + 1} of more than a million characters"
                raise UnreadableData(self.name, what, TABLE_HINT)
        self.cut_off = left <= 0
        if begun and not self.cut_off:
            yield io.StringIO(begun, newline="")


def _ends(text: str) -> int:
    return max(text.count("\n"), text.count("\r"))


@contextlib.contextmanager
def _lines(path: Path, form: Form) -> Iterator[_Lines]:
    csv.field_size_limit(LONGEST)
    with _unpacked(path, form.packed) as file:
        text = io.TextIOWrapper(file, encoding=form.encoding, newline="")
        try:
            yield _Lines(path.name, text.read)
        finally:
            text.detach()


@contextlib.contextmanager
def _unpacked(path: Path, packed: bool) -> Iterator[Any]:
    """A file's bytes; what gzip cannot unpack is said."""
    try:
        with path.open("rb") as raw, gzip.GzipFile(fileobj=raw) if packed else contextlib.nullcontext(raw) as file:
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error):
        what = "begins like a gzip file and cannot be unpacked"
        raise UnreadableData(path.name, what, "Fetch or pack it again.") from None


# -------------------------------------------------------------------------------------------------------- databases


def _read_sqlite(path: Path, form: Form, query: str) -> Table:
    """A table of a database: the only one, or what `query` gives."""
    stamp = _stamp(path)
    with _database(path) as connection:
        tables = tuple(
            str(row[0])
            for row in connection.execute(
                "select name from sqlite_master where type in ('table', 'view') "
                "and name not like 'sqlite\\_%' escape '\\' order by 1"
            )
        )
        if not query and len(tables) != 1:
            raise _which_table(path, tables)
        query = query or f"SELECT * FROM {_quoted(tables[0])}"  # noqa: S608  (a name of its own)
        cursor = connection.execute(query)
        if cursor.description is None:
            raise UnreadableData(path.name, "gets a query that gives no rows", "data_query must be a SELECT.")
        names = tuple(str(entry[0]) for entry in cursor.description)
        sample, count = _sampled(cursor, len(names))
    form = Form("sqlite", query=query, tables=tables)
    return Table(path, form, names, sample, count, stamp[0], stamp)


def _which_table(path: Path, tables: Sequence[str]) -> UnreadableData:
    if not tables:
        return UnreadableData(path.name, "is a database without a table", "Name another file.")
    named = ", ".join(tables[:8]) + (" and more" if len(tables) > 8 else "")
    return UnreadableData(
        path.name,
        f"is a database with {len(tables)} tables ({named})",
        f"Say which rows are meant: --set data_query='SELECT * FROM {_quoted(tables[0])}'",  # noqa: S608  (a hint)
    )


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@contextlib.contextmanager
def _database(path: Path) -> Iterator[sqlite3.Connection]:
    """A database opened for reading only; what it cannot read is said."""
    try:
        with contextlib.closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
            yield connection
    except sqlite3.Error as error:
        hint = "Check data_query, and that the file is whole."
        raise UnreadableData(path.name, f"cannot be read as a database ({error})", hint) from None


def _read_parquet(path: Path, form: Form) -> Table:
    stamp = _stamp(path)
    with _duckdb(path) as connection:
        cursor = connection.execute("select * from read_parquet(?)", [str(path)])
        names = tuple(str(entry[0]) for entry in cursor.description)
        sample, count = _sampled(_fetched(cursor), len(names))
    return Table(path, form, names, sample, count, stamp[0], stamp)


@contextlib.contextmanager
def _duckdb(path: Path) -> Iterator[Any]:
    """DuckDB, which reads Parquet and nothing else here; what it cannot read of this file is said."""
    try:
        import duckdb
    except ImportError:
        hint = "Install it: pip install 'mlscaffold-planner[parquet]' from the checkout, or save the file as CSV."
        raise UnreadableData("A Parquet file", "can be read only where DuckDB is installed", hint) from None
    try:
        with duckdb.connect() as connection:
            connection.execute("set timezone = 'UTC'")
            yield connection
    except duckdb.OutOfMemoryException:  # the file may well be whole
        raise
    except duckdb.Error as error:
        why = str(error).splitlines()[0].replace(str(path), path.name)
        hint = "Check that the file is whole, or save it as CSV (UTF-8, the first line naming the columns)."
        raise UnreadableData(path.name, f"cannot be read as Parquet ({why})", hint) from None


def _fetched(cursor: Any) -> Iterator[Sequence[Any]]:
    while chunk := cursor.fetchmany(2048):
        yield from chunk


def _sampled(rows: Iterator[Sequence[Any]], wide: int) -> tuple[tuple[Row, ...], int]:
    """A sample of rows as texts, and how many there are."""
    drawn, count, due = _Draw(wide), 0, 0
    for row in rows:
        if count == due:
            due = drawn.keep(count, row)
        count += 1
    return tuple(tuple(_text_of(value) for value in row) for row in drawn.rows()), count


def _text_of(value: Any) -> str:
    """A value of a database as the text a CSV would hold."""
    if value is None:
        return ""
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, float) and value != value:
        return ""
    return str(value)


def _check_names(file: str, names: Sequence[str]) -> None:
    """Names that occur twice, or that the rendered repository uses itself, as its own audit would refuse them."""
    seen: dict[str, str] = {}
    for name in names:
        low = name.strip().lower()
        if low in seen:
            also = "" if name == seen[low] else f' (and "{seen[low]}": capitals do not tell columns apart)'
            raise UnreadableData(file, f'has two columns called "{name}"{also}', "Rename one of them.")
        if low in OWN or low.startswith("_segment_"):
            raise UnreadableData(file, f'has a column called "{name}", which the repository uses', "Rename it.")
        seen[low] = name


def human(size: int) -> str:
    """Bytes for the eye: 12.3 MB."""
    value = float(size)
    for unit in ("bytes", "kB", "MB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.1f} GB"
