"""The gates as a code host's test report: one suite a phase, one case a gate, in the JUnit form that hosts read.

GitLab and Azure show by themselves, beside a change, what such a file holds and which case failed since the branch
it goes to. Red is what blocks and fails; what waits, is waived or only advises is skipped, with the reason.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any
from xml.etree import ElementTree as Xml

# What XML 1.0 cannot hold, not even as a reference (its production Char).
NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
DONE = ("pass", "warn")


def junit(facts: Mapping[str, Any]) -> str:
    """The status, in the form that JSON has of it, as a JUnit report; a gate takes no time that is worth telling."""
    root = Xml.Element("testsuites", name=_held(facts["project"].get("name", "")))
    titles = {phase["id"]: phase["title"] for phase in facts["phases"]}
    for phase in dict.fromkeys(gate["id"].split(".")[0] for gate in facts["gates"]):
        gates = [gate for gate in facts["gates"] if gate["id"].split(".")[0] == phase]
        root.append(_suite(f"{phase} {titles.get(phase, '')}".strip(), gates, facts.get("at", "")))
    for count in ("tests", "failures", "errors", "skipped"):
        root.set(count, str(sum(int(suite.get(count, "0")) for suite in root)))
    Xml.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + Xml.tostring(root, encoding="unicode")


def _suite(name: str, gates: Sequence[Mapping[str, Any]], at: str) -> Xml.Element:
    suite = Xml.Element("testsuite", name=_held(name), errors="0", time="0", timestamp=at[:19])
    suite.extend(_case(name, gate) for gate in gates)
    suite.set("tests", str(len(gates)))
    suite.set("failures", str(len(suite.findall("*/failure"))))
    suite.set("skipped", str(len(suite.findall("*/skipped"))))
    return suite


def _case(phase: str, gate: Mapping[str, Any]) -> Xml.Element:
    case = Xml.Element("testcase", classname=_held(phase), name=_held(f"{gate['id']} {gate['title']}"), time="0")
    if gate["state"] in DONE:
        return case
    step = (gate["next"] or {}).get("text", "")
    if gate["blocking"] and gate["state"] == "fail":
        red = Xml.SubElement(case, "failure", message=_held(gate["reason"]), type=gate["state"])
        red.text = _held(f"{gate['reason']}\nNext: {step}" if step else gate["reason"])
        return case
    word = gate["state"] if gate["blocking"] else f"{gate['state']}, advises"
    told = f"{word}: {gate['reason']}" + (f" Next: {step}" if step else "")
    Xml.SubElement(case, "skipped", message=_held(told))
    return case


def _held(text: str) -> str:
    return NOT_XML.sub("�", text)
