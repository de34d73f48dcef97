"""The edits that the task, scope and loop hooks make in existing functions, on top of `_ah_splice`.

An observation compiled into the function itself shows in no traceback and changes nothing that `inspect` says.
"""

import ast

from . import _ah_core as core
from . import _ah_splice as splice


class _Constants:
    """Attributes are what the added statements use as `AH.<name>`."""

    def __init__(self, values):
        self.__dict__.update(values)


def inject(function, name, prologue="", epilogue="", returns="", constant=None, **values):
    """Put `prologue` at the start of `function`, and `epilogue` into a `finally` around its body.

    `returns`: an expression with `VALUE` that replaces the value of every `return <name>`, and of every `return
    <expression>` when it has `VALUE` once only. `values`: what the new
    statements use as `AH.<key>`, or `constant` what they use as `AH` itself (to compare with it, a local variable must be bound to it
    first); all other names are the function's own. Undone when hook `name` is removed. Returns
    True when done, False when the source does not give the running bytecode (then nothing changed).
    """
    hooks = _Constants(values) if constant is None else constant

    def edit(node, insert):
        body = node.body
        at = 1 if ast.get_docstring(node, clean=False) is not None and len(body) > 1 else 0
        like = body[at]
        if returns:
            _Returns(returns, hooks, insert).visit(node)
        if epilogue:
            guard = insert("try: pass\nfinally:\n " + epilogue.replace("\n", "\n "), hooks, like)
            guard[0].body = body[at:]
            body[at:] = guard
        if prologue:
            body[at:at] = insert(prologue, hooks, like)

    try:
        splice.splice(function, edit)
    except Exception:
        return False
    core.on_remove(name, lambda: splice.unsplice(function, edit))
    return True


class _Returns(ast.NodeTransformer):
    def __init__(self, expression, hooks, insert):
        self.expression = expression
        self.hooks = hooks
        self.insert = insert

    def visit_Return(self, node):
        if isinstance(node.value, ast.Name):
            text = self.expression.replace("VALUE", node.value.id)
            made = self.insert(text, self.hooks, node)[0]
            node.value = made.value
        elif node.value is not None and self.expression.count("VALUE") == 1:
            made = self.insert(self.expression, self.hooks, node)[0]
            node.value = _Put(node.value).visit(made.value)
        return node

    def _leave(self, node):
        return node

    visit_Lambda = visit_ClassDef = _leave

    def visit_FunctionDef(self, node):
        if getattr(self, "entered", False):
            return node
        self.entered = True
        return self.generic_visit(node)

    visit_AsyncFunctionDef = visit_FunctionDef


class _Put(ast.NodeTransformer):
    """Puts an expression in the place of `VALUE`."""

    def __init__(self, value):
        self.value = value

    def visit_Name(self, node):
        return self.value if node.id == "VALUE" else node
