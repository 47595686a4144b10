"""Prints the plain values of flow.yaml as shell lines: `eval "$(python3 setenv.py)"`."""
import shlex

from ruamel.yaml import YAML

with open("flow.yaml", encoding="utf-8") as file:
    for name, value in YAML(typ="safe").load(file).items():
        if not isinstance(value, (dict, list)):
            print(f"FLOW_{name.upper()}={shlex.quote(str(value))}")
