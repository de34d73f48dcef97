"""Edits for `_ah_splice`: what to put where in a function's syntax tree.

An edit is `edit(node, insert)`; a matcher is `match(statement)`.
"""

import ast

from ._ah_whole import is_whole


class SpliceError(Exception):
    """Why a function cannot be edited; the text is for the log."""


def wrap_awaits(pick, hooks, target="self", token=False, whole=None):
    """An edit: around each statement whose value is ``await <expr>`` picked by ``pick(ast expression) -> arguments``.

    ``pick`` returns None, or the text of further arguments: ``AH.wait(target<args>)`` runs before the await and
    ``AH.woke(target, ok<args>)`` after it, ``ok`` False when it raised. With ``token`` these arguments are left out, and
    ``woke`` gets what ``wait`` returned instead. Raises SpliceError when nothing is picked.

    ``whole``: (condition, args) for a stand-in of the whole function (`_ah_whole`): when it is going to wait, and the
    arguments that ``pick`` would give.
    """

    def edit(node, insert):
        found = []

        class Walk(ast.NodeTransformer):
            def visit_FunctionDef(self, inner):
                return inner if inner is not node else self.generic_visit(inner)

            visit_AsyncFunctionDef = visit_FunctionDef

            def visit_Lambda(self, inner):
                return inner

            def handle(self, statement):
                if not isinstance(statement.value, ast.Await):
                    return statement
                unit = is_whole(statement)
                if unit and whole is None:
                    return statement
                args = whole[1] if unit else pick(statement.value.value)
                if args is None:
                    return statement
                found.append(statement)
                text = (
                    "{2}AH.wait({0}{3})\n"
                    "try: pass\n"
                    "except BaseException:\n"
                    "    AH.woke({0}, False{1})\n"
                    "    raise\n"
                    "else: AH.woke({0}, True{1})\n"
                ).format(
                    target, ", _ah_token" if token else args, "_ah_token = " if token else "", "" if token else args
                )
                if not isinstance(statement, ast.Return):
                    before, guarded = insert(text, hooks, statement)
                    guarded.body = [statement]
                    if not unit:
                        return [before, guarded]
                    (choice,) = insert("if %s: pass\nelse: pass" % whole[0], hooks, statement)
                    choice.body, choice.orelse = [before, guarded], [statement]
                    return choice
                before, guarded, inner, result = insert(text + "_ah_value = None\nreturn _ah_value", hooks, statement)
                inner.value = statement.value
                guarded.body = [inner]
                return [before, guarded, result]

            visit_Expr = visit_Return = visit_Assign = visit_AnnAssign = handle

        Walk().visit(node)
        if not found:
            raise SpliceError("no await to observe in %s" % node.name)

    return edit


def prepend(text, hooks):
    """An edit: statements before the function's own first statement (after its docstring)."""

    def edit(node, insert):
        at = 1 if ast.get_docstring(node, clean=False) is not None and len(node.body) > 1 else 0
        node.body[at:at] = insert(text, hooks, node.body[at])

    return edit


def append(text, hooks):
    """An edit: statements after the last one, reached when the function falls off its end."""

    def edit(node, insert):
        at = len(node.body) - 1 if is_whole(node.body[-1]) else len(node.body)
        node.body[at:at] = insert(text, hooks, node.body[-1])

    return edit


def before(match, text, hooks, once=False):
    """An edit: statements ahead of each statement for which ``match(statement)`` holds, or the first. At least one must."""
    return _beside(match, text, hooks, True, once)


def after(match, text, hooks):
    """An edit: statements behind each statement for which ``match(statement)`` holds. At least one must."""
    return _beside(match, text, hooks, False)


def _beside(match, text, hooks, first, once=False):
    def edit(node, insert):
        found = []

        class Walk(ast.NodeTransformer):
            def visit(self, item):
                item = self.generic_visit(item)
                if isinstance(item, ast.stmt) and match(item) and not (once and found):
                    found.append(item)
                    added = insert(text, hooks, item)
                    return added + [item] if first else [item] + added
                return item

        Walk().visit(node)
        if not found:
            raise SpliceError("no statement to stand beside in %s" % node.name)

    return edit


def inside(name, text, hooks):
    """An edit: statements at the start of the nested function `name`."""

    def edit(node, insert):
        for child in ast.walk(node):
            if isinstance(child, (ast.FunctionDef, ast.AsyncFunctionDef)) and child.name == name and child is not node:
                child.body[0:0] = insert(text, hooks, child.body[0])
                return
        raise SpliceError("no function %s in %s" % (name, node.name))

    return edit


def around(hooks, args="self"):
    """An edit: ``token = AH.begin(args)`` first; ``AH.fail(token)`` when it raises; ``AH.done(token)`` always, last."""

    def edit(node, insert):
        at = 1 if ast.get_docstring(node, clean=False) is not None and len(node.body) > 1 else 0
        text = (
            "_ah_token = AH.begin(%s)\n"
            "try: pass\n"
            "except BaseException:\n"
            "    AH.fail(_ah_token)\n"
            "    raise\n"
            "finally: AH.done(_ah_token)"
        ) % args
        first, guarded = insert(text, hooks, node.body[at])
        guarded.body = node.body[at:]
        node.body[at:] = [first, guarded]

    return edit


def assigns(target, value=None):
    """A matcher for :func:`after`: ``self.<target> = <value>``; without ``value`` any value."""

    def match(statement):
        if not isinstance(statement, ast.Assign) or len(statement.targets) != 1:
            return False
        left = statement.targets[0]
        if not (isinstance(left, ast.Attribute) and left.attr == target):
            return False
        right = statement.value
        return value is None or (isinstance(right, ast.Constant) and right.value is value)

    return match


def sets(name):
    """A matcher for :func:`after`: ``<name> = ...``, a local variable."""

    def match(statement):
        return isinstance(statement, ast.Assign) and getattr(statement.targets[0], "id", None) == name

    return match


def returns_true(statement):
    """A matcher: ``return True``."""
    return (
        is_whole(statement)
        if isinstance(getattr(statement, "value", None), ast.Name)
        else (
            isinstance(statement, ast.Return)
            and isinstance(statement.value, ast.Constant)
            and statement.value.value is True
        )
    )


def raises(statement):
    """A matcher: ``raise <something>``."""
    return isinstance(statement, ast.Raise) and statement.exc is not None


def raises_error(name):
    """A matcher: ``raise <name>(...)``."""

    def match(statement):
        call = statement.exc if isinstance(statement, ast.Raise) else None
        return isinstance(call, ast.Call) and getattr(call.func, "id", None) == name

    return match
