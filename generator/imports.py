"""Which part of each tree imports which: the layers by name, what breaks their order, and a picture of it.

For development; it is not part of the installed package. `generator/sync.py` writes the pictures into docs/.
"""

import ast
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from html import escape
from pathlib import Path

GENERATOR = Path(__file__).resolve().parent

Graph = dict[str, set[str]]  # a name, and the names that it imports


@dataclass(frozen=True)
class Layer:
    """Parts of a tree in their steps: each imports from earlier steps and layers only, never from its own step."""

    name: str
    steps: tuple[tuple[str, ...], ...]

    @property
    def parts(self) -> tuple[str, ...]:
        """All of them, in order."""
        return tuple(part for step in self.steps for part in step)


@dataclass(frozen=True)
class Tree:
    """A package and the order of its layers, from what imports nothing to what is started."""

    package: str
    title: str
    layers: tuple[Layer, ...]

    @property
    def folder(self) -> Path:
        """Where a package of our own lies."""
        return GENERATOR.joinpath(*self.package.split("."))


def _layers(text: str) -> tuple[Layer, ...]:
    """One layer a line: its name, a colon, its steps with an arrow between them."""
    rows = (line.partition(":") for line in text.strip().splitlines())
    return tuple(
        Layer(name.strip(), tuple(tuple(step.split()) for step in steps.split("→"))) for name, _, steps in rows
    )


# Facts become answers, answers a plan, the plan a context, the context a tree, the tree a commit.
MLSCAFFOLD = Tree(
    "mlscaffold",
    "mlscaffold: from questions to a repository",
    _layers("""
        words: __init__ → agreed figures invocation → disk errors numerals person
        presets in force, files: changes house templates yamltext
        what people type: patterns → naming
        questions: catalogue → questions
        answers: fields → backstage schema answers completion
        plan: planning
        a look at the data: looking
        another's template: foreign
        words for the plan: hosting wording → advice_rules → advisor
        conversation: interview report → explanation screen → wizard
        tree: rendering vcs → context origin → pages → render sensitivity export
        repository: measured placing presets repository starting → update
        demo, board: demo board
        command line: from_template → cli → __main__
    """),
)
# Each wing plans its part with the formulas below it; what reads all parts stands above them.
PLANNING = Tree(
    "mlscaffold.planning",
    "mlscaffold.planning: from formulas to the plan",
    _layers("""
        arithmetic: formulas
        one number: __init__ absence → number
        success: acceptance
        after release: operations
        people and dates: schedule
        what software shall do: requirements
        held against the world: plausibility
        read from all parts: terms assumptions risk_rules → headline risks
        the plan: plan
    """),
)
PLANRUN = Tree(
    "planrun",
    "planrun: gates and signatures of every repository",
    _layers("""
        words: __init__ → environment steps trouble catalogue → answers → command rigor
        agents, standing: agents standing → scorecard
        files: git → files → remembered
        engine and rooms: example identity rooms
        repository: repository
        authors and rows: authors yaml_rows
        gates: demo gates self_test
        signatures, status: figures signing → explanation governance junit remark → status
        command line: commands → cli → __main__
        own tests: tests
    """),
)
PLANRUN_ML = Tree(
    "planrun_ml",
    "planrun_ml: from rows to a model that is watched",
    _layers("""
        tables, measures: __init__ → demo tables measuring
        data: data
        models, pages: models pages
        experiments: experiments
        baseline: baseline
        audit, release: audit release → labelling
        acceptance, operation: acceptance serving watching
        retraining: retraining testing
        gates: gates
        commands, own tests: commands self_test tests
    """),
)
PLANRUN_SOFTWARE = Tree(
    "planrun_software",
    "planrun_software: from requirements to drills",
    _layers("""
        what is looked at: __init__ → demo inspection traceability → harness
        what is done with it: build drills measuring
        gates: gates
        commands, own tests: commands → self_test tests
    """),
)
# The modules that some answers call for; what a repository has of them keeps this order.
PRODUCT = Tree(
    "product",
    "A software product as it is born: every module that some answers call for",
    _layers("""
        settings, resilience, judgement: settings resilience review
        others it asks: dependencies model
        what it can do: contract → capabilities
        data: tables → migrations → migrating → backups → ledger store
        doors: telemetry → logs metrics → door access routing → routers → api review_pages → pages
        operation: run maintenance outbox → deletion
        the package: __init__ __main__
    """),
)
# What a machine learning team may write; the engine imports each by its name, and none needs another.
ROOMS = Tree(
    "rooms",
    "What a machine learning team writes",
    _layers("rooms: __init__ source features models metrics checks service"),
)
TREES = (MLSCAFFOLD, PLANNING, PLANRUN, PLANRUN_ML, PLANRUN_SOFTWARE)


# ------------------------------------------------------------------------------------------------------- what is there


def modules(folder: Path) -> dict[str, ast.Module]:
    """Every module below a package's folder by its dotted name, parsed."""
    return {
        ".".join(path.relative_to(folder).with_suffix("").parts): ast.parse(path.read_text("utf-8"))
        for path in sorted(folder.rglob("*.py"))
    }


def imports_of(tree: ast.Module) -> set[str]:
    """Dotted names of all that a module imports at run time, whether at its top or inside a function."""
    return {name for module, names in _imports(tree) for name in (module, *(f"{module}.{name}" for name in names))}


def _imports(tree: ast.Module) -> Iterator[tuple[str, list[str]]]:
    """Each import at run time: a module, and the names that are taken from it."""
    only_for_types = {
        inner
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING"
        for inner in ast.walk(node)
    }
    for node in ast.walk(tree):
        if node in only_for_types:
            continue
        if isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield str(node.module), [alias.name for alias in node.names]
        elif isinstance(node, ast.Constant) and re.fullmatch(r"\w+(\.\w+)+:\w+", str(node.value)):
            yield str(node.value).partition(":")[0], []  # a command names its function, and is imported when it is run


def between_modules(package: str, found: Mapping[str, ast.Module]) -> Graph:
    """Which module of a package imports which other one of it; a folder's own file is its `__init__`."""

    def module(dotted: str) -> str:
        name = dotted.removeprefix(package).removeprefix(".")
        return name if name in found else f"{name}.__init__".removeprefix(".")

    graph: Graph = {}
    for name, tree in found.items():
        graph[name] = set()
        for source, names in _imports(tree):
            if source != package and not source.startswith(f"{package}."):
                continue
            # `from package.folder import module` is an import of that module; any other name is the folder's own
            taken = {module(f"{source}.{one}") for one in names} & found.keys()
            own = not names or any(module(f"{source}.{one}") not in found for one in names)
            graph[name] |= taken | ({module(source)} & found.keys() if own else set())
        graph[name].discard(name)
    return graph


def between_parts(graph: Graph) -> Graph:
    """The same between the first names only: folders, and the modules beside them."""
    parts: Graph = {name.partition(".")[0]: set() for name in graph}
    for name, others in graph.items():
        part = name.partition(".")[0]
        parts[part] |= {other.partition(".")[0] for other in others} - {part}
    return parts


def circles(graph: Graph) -> Graph:
    """What is left when names that import nothing that is left are taken away, again and again: {} without circles."""
    left = {name: set(others) for name, others in graph.items()}
    while ready := [name for name, others in left.items() if not others & left.keys()]:
        for name in ready:
            del left[name]
    return left


def place(tree: Tree, part: str) -> tuple[int, int]:
    """Which layer a part stands in, and which step of it. Raises `ValueError` for a part that none names."""
    for number, layer in enumerate(tree.layers):
        for step, parts in enumerate(layer.steps):
            if part in parts:
                return number, step
    raise ValueError(f"{part} of {tree.package} is in no layer: name it in generator/imports.py.")


def against_the_order(tree: Tree, parts: Graph) -> set[tuple[str, str]]:
    """Imports from the same step or a later one, as (who, what)."""
    return {
        (part, other) for part, others in parts.items() for other in others if place(tree, other) >= place(tree, part)
    }


def between_layers(tree: Tree, parts: Graph) -> Graph:
    """The same between whole layers, by their names."""
    graph: Graph = {layer.name: set() for layer in tree.layers if set(layer.parts) & parts.keys()}
    for part, others in parts.items():
        name = tree.layers[place(tree, part)[0]].name
        graph[name] |= {tree.layers[place(tree, other)[0]].name for other in others} - {name}
    return graph


# ---------------------------------------------------------------------------------------------------------- the picture


def direct(parts: Graph) -> Graph:
    """The same graph without the imports that a longer way shows already; the graph has no circles."""
    return {part: others - _beyond(parts, others) for part, others in parts.items()}


def _beyond(parts: Graph, names: Iterable[str]) -> set[str]:
    """All that these names import, and what that imports, to the end."""
    found: set[str] = set()
    waiting = list(names)
    while waiting:
        new = parts.get(waiting.pop(), set()) - found
        found |= new
        waiting += new
    return found


WIDTH, TOP, ROW = 860, 62, 56
BOX_LEFT, BOX_RIGHT, BOX_HIGH = 190, 720, 32
WAY = "a layer imports from those below it"  # lines have no arrowheads: all of them lead downwards
LINE = 'fill="none" stroke="#829ab1" stroke-width="1.4"'


def picture(tree: Tree, parts: Graph) -> str:
    """An SVG: a row for each layer, what is started at the top, and a line down to each layer that is imported.

    Lines that a longer way shows already are left out; which way all lead is said once.
    """
    graph = direct(between_layers(tree, parts))
    rows = [layer for layer in reversed(tree.layers) if layer.name in graph]
    middle = {layer.name: TOP + ROW * number + BOX_HIGH // 2 for number, layer in enumerate(rows)}
    high = TOP + ROW * len(rows)
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {high}" width="{WIDTH}" height="{high}" '
        'font-family="ui-sans-serif, system-ui, sans-serif" font-size="13">',
        f"<title>{escape(tree.title)}</title>",
        f'<rect width="{WIDTH}" height="{high}" rx="8" fill="#ffffff"/>',
        f'<text x="24" y="34" font-size="15" font-weight="600" fill="#1f2933">{escape(tree.title)}</text>',
        f'<text x="{BOX_RIGHT}" y="34" font-size="12" text-anchor="end" fill="#52606d">{WAY}</text>',
    ]
    drawn += [
        _line(middle[name], middle[other], is_next=middle[other] - middle[name] == ROW)
        for name, others in graph.items()
        for other in sorted(others)
    ]
    for layer in rows:
        there = [part.strip("_") for part in layer.parts if part in parts]
        at = middle[layer.name]
        drawn += [
            f'<text x="24" y="{at + 5}" font-size="12" fill="#52606d">{escape(layer.name)}</text>',
            f'<rect x="{BOX_LEFT}" y="{at - BOX_HIGH // 2}" width="{BOX_RIGHT - BOX_LEFT}" height="{BOX_HIGH}" rx="6" '
            'fill="#f0f4f8" stroke="#9fb3c8"/>',
            f'<text x="{BOX_LEFT + 16}" y="{at + 5}" fill="#1f2933">{escape("  ·  ".join(there))}</text>',
        ]
    return "\n".join([*drawn, "</svg>", ""])


def _line(at: int, to: int, *, is_next: bool) -> str:
    """Straight to the layer below; beside the boxes, and the wider the farther, to any other."""
    if is_next:
        middle = (BOX_LEFT + BOX_RIGHT) // 2
        return f'<path d="M{middle} {at} V{to}" {LINE}/>'
    out = BOX_RIGHT + 14 + 14 * ((to - at) // ROW)
    return f'<path d="M{BOX_RIGHT} {at + 5} C{out} {at + 5} {out} {to - 5} {BOX_RIGHT} {to - 5}" {LINE}/>'


def parts_of(tree: Tree) -> Graph:
    """Which part of one of our own packages imports which."""
    return between_parts(between_modules(tree.package, modules(tree.folder)))


def pictures() -> dict[str, str]:
    """The picture of each of our own packages by its file's name."""
    return {f"imports-{tree.folder.name}.svg": picture(tree, parts_of(tree)) for tree in TREES}
