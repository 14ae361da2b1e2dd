"""The table of commands.

The rule: names only, which nobody pays for who asks what commands there are.
"""

#: name -> module in this package : function (or typer application) in it.  In the order of `--help`.
COMMANDS = {
    "init": "init:init",
    "submit": "submit:app",
    "worker": "worker:worker",
    "status": "status:status",
    "top": "top.command:top",
    "list": "listing:listing",
    "show": "show:show",
    "why": "why:why",
    "graph": "graph:graph",
    "logs": "logs:logs",
    "wait": "wait:wait",
    "hold": "verbs:hold",
    "release": "verbs:release",
    "requeue": "verbs:requeue",
    "cancel": "verbs:cancel",
    "edit": "edit:edit",
    "pause": "pause:pause",
    "resume": "pause:resume",
    "batch": "batch:app",
    "workers": "workers:app",
    "schedule": "schedule:app",
    "prune": "prune:prune",
    "report": "report:report",
    "doctor": "doctor:doctor",
    "demo": "demo:demo",
}
