# SPDX-License-Identifier: MIT
"""A public header as a list of what stands in it, in its order."""
import re


class Group:
    """Declarations that stand together, and the comment above them."""

    def __init__(self, comment):
        self.comment = comment  # lines without their stars
        self.declarations = []  # lists of lines

    def functions(self):
        return [name for name in map(function_name, self.declarations) if name]


def function_name(declaration):
    """The function that a declaration declares, None if it is something else."""
    text = re.sub(r"/\*.*?\*/", " ", "\n".join(declaration), flags=re.S)
    if text.lstrip().startswith(("#", "typedef", "enum ", "struct ")) and not re.match(
        r"\s*(enum|struct)\s+\w+\s*\*?\s*\w+\(", text
    ):
        return None
    found = re.match(r"[\w\s*]*?\b([a-z]\w+)\(", text)
    return found.group(1) if found else None


def comment_lines(text):
    lines = re.sub(r"^/\*+|\*/$", "", text.strip()).split("\n")
    lines = [re.sub(r"^\s*\* ?", "", line).rstrip() if i else line.strip() for i, line in enumerate(lines)]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return lines


def _take_comment(lines, i):
    taken = [lines[i]]
    while "*/" not in lines[i]:
        i += 1
        taken.append(lines[i])
    return comment_lines("\n".join(taken)), i + 1


def _take_declaration(lines, i):
    """A preprocessor line with its continuations, or a declaration to its end."""
    taken, depth, in_comment = [], 0, False
    is_macro = lines[i].startswith("#")
    while i < len(lines):
        line = lines[i]
        taken.append(line)
        i += 1
        if is_macro:
            if not line.endswith("\\"):
                break
            continue
        code = ("/*" if in_comment else "") + line
        code = re.sub(r"/\*.*?\*/", "", code)
        in_comment = "/*" in code
        code = code.split("/*")[0]
        depth += code.count("{") - code.count("}")
        if depth == 0 and re.search(r"[;}]\s*$", code):
            break
    return taken, i


def _conditional_skip(lines, i):
    """Past an #ifdef __cplusplus … #endif that holds only the language's linkage, or both languages' ways
    to say the same."""
    depth = 0
    while i < len(lines):
        depth += lines[i].startswith("#if")
        depth -= lines[i].startswith("#endif")
        i += 1
        if depth == 0:
            return i
    return i


def parse(text):
    """(head comment, [Group or title])"""
    lines = [line for line in text.split("\n") if "SPDX-License" not in line and "clang-format" not in line]
    i = next(n for n, line in enumerate(lines) if line.startswith("/*"))
    head, i = _take_comment(lines, i)
    items, comment, group = [], None, None
    while i < len(lines):
        line = lines[i]
        if not line.strip():
            if comment:
                items.append(Group(comment))
            comment = group = None
            i += 1
        elif line.startswith("/*"):
            if comment:
                items.append(Group(comment))
            comment, i = _take_comment(lines, i)
            group = None
        elif line.startswith("#ifdef __cplusplus"):
            i = _conditional_skip(lines, i)
        elif re.match(r"#(ifndef VSVA_|include|endif|define VSVA_\w+_H$)", line):
            i += 1
        else:
            declaration, i = _take_declaration(lines, i)
            if group is None:
                group = Group(comment or [])
                items.append(group)
                comment = None
            group.declarations.append(declaration)
    return head, items


def brief_of(lines):
    """The head's first sentence, or what it begins with."""
    text = " ".join(lines).strip()
    text = re.split(r"(?<=[a-z)])[.:] |\.$|  ", text)[0].rstrip(".")
    text = text if len(text) <= 60 else text.split(", ")[0]
    return text[:1].lower() + text[1:] if not text[1:2].isupper() else text
