"""One scenario for every must requirement that is of no single capability: the running product, given, when, then.

The words are those of plan/requirements.yaml at the project's start; where the two differ, that file is right.
"""

{{ scenarios.imports }}

drive = {{ scenarios.drive }}.here(__file__)
FIRST = "{{ first_done }}"
{% for requirement in scenarios.rows %}


{% include 'scenario/' ~ requirement.part ~ '.py' %}
{% endfor %}
