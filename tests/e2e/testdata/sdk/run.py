"""Runs a pulumi command on a stack whose program is __main__.py, by the Automation API."""

import runpy
import sys

from pulumi import automation

stack = automation.select_stack(
    stack_name=sys.argv[1],
    project_name="llm-d-sim",
    program=lambda: runpy.run_path("__main__.py"),
    opts=automation.LocalWorkspaceOptions(work_dir="."),
)
match sys.argv[2]:
    case "up":
        stack.up(on_output=print)
    case "preview":
        stack.preview(expect_no_changes=True, on_output=print)
    case "destroy":
        stack.destroy(on_output=print)
