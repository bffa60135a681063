"""The package drawn from its imports, as a Mermaid diagram.

    python -m tools house

A room is a folder or a module directly below the package. Arrows that go without saying are left out: every room may
raise what `errors` holds and check its numbers by `checks`. import-linter holds the order of the floors; this draws it.
"""

from __future__ import annotations

from graphlib import TopologicalSorter

PACKAGE = "bcfl_support"
GROUND = {"checks", "errors"}


def read_arrows() -> dict[str, set[str]]:
    """Rooms, and for each the rooms that it imports."""
    import grimp  # only the tests' environment has it

    graph = grimp.build_graph(PACKAGE)
    graph.remove_module(f"{PACKAGE}.__main__")  # the street's side of the `bcfl` command, no room
    rooms = sorted(name.split(".")[1] for name in graph.find_children(PACKAGE))
    for room in rooms:
        if graph.find_children(f"{PACKAGE}.{room}"):
            graph.squash_module(f"{PACKAGE}.{room}")
    return {
        room: {name.split(".")[1] for name in graph.find_modules_directly_imported_by(f"{PACKAGE}.{room}")} - {room}
        for room in rooms
    }


def count_floors(arrows: dict[str, set[str]]) -> dict[str, int]:
    """Floor of each room: 0 on the ground, else one above the highest room that it imports.

    Raises:
        graphlib.CycleError: if rooms import each other in a circle.
    """
    floors: dict[str, int] = {}
    for room in TopologicalSorter(arrows).static_order():
        floors[room] = 1 + max((floors[below] for below in arrows[room]), default=-1)
    return floors


def draw() -> str:
    """The diagram, highest floor first."""
    arrows = read_arrows()
    floors = count_floors(arrows)
    order = sorted(arrows, key=lambda room: (-floors[room], room))
    lines = ["flowchart TD"]
    for room in order:
        lines += [f"    {room} --> {below}" for below in sorted(arrows[room] - GROUND)] or [f"    {room}"]
    return "\n".join(lines)
