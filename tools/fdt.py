# SPDX-License-Identifier: BSD-2-Clause
"""Reads flattened device trees (Devicetree Specification 0.4, chapter 5)."""

import dataclasses
import struct

BEGIN_NODE, END_NODE, PROPERTY, NOP, END = 1, 2, 3, 4, 9


@dataclasses.dataclass
class Node:
    name: str
    path: str
    properties: dict = dataclasses.field(default_factory=dict)  # name to bytes
    children: dict = dataclasses.field(default_factory=dict)    # name to Node

    def child(self, name):
        """The subnode, or an empty one."""
        return self.children.get(name) or Node(name, f"{self.path.rstrip('/')}/{name}")


def parse(blob):
    """The root node of a compiled device tree."""
    magic, _, structure, strings = struct.unpack_from(">4I", blob)
    if magic != 0xD00DFEED:
        raise ValueError("not a compiled device tree")

    def text(at):
        return blob[at:blob.index(b"\0", at)].decode()

    offset, stack, root = structure, [], None
    while True:
        (token,) = struct.unpack_from(">I", blob, offset)
        offset += 4
        if token == BEGIN_NODE:
            name = text(offset)
            offset = (offset + len(name) + 1 + 3) & ~3
            path = f"{stack[-1].path.rstrip('/')}/{name}" if stack else "/"
            node = Node(name, path)
            if stack:
                stack[-1].children[name] = node
            root = root or node
            stack.append(node)
        elif token == END_NODE:
            stack.pop()
        elif token == PROPERTY:
            length, name_at = struct.unpack_from(">2I", blob, offset)
            stack[-1].properties[text(strings + name_at)] = blob[offset + 8:offset + 8 + length]
            offset = (offset + 8 + length + 3) & ~3
        elif token == END:
            return root
        elif token != NOP:
            raise ValueError(f"unknown token {token} at offset {offset - 4}")
