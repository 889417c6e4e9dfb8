# SPDX-License-Identifier: MIT
"""The Markdown that our documents use, as man(7): headings, paragraphs, lists, tables, code."""
import re

import roff


def inline(text):
    """`code` bold, **words** bold, [text](target) its text; the words, ready for roff.wrap."""
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text)
    out = []
    for part in re.split(r"(`[^`]*`|\*\*[^*]*\*\*)", text):
        if part.startswith("`") and len(part) > 1:
            out.append(roff.bold(part.strip("`")).replace(" ", "\\ "))
        elif part.startswith("**"):
            out.append(roff.bold(part.strip("*")).replace(" ", "\\ "))
        else:
            out.append(roff.escape(part))
    words = "".join(out).split(" ")
    joined = []
    for word in words:  # a blank that stays belongs to the word before it
        if joined and joined[-1].endswith("\\"):
            joined[-1] += " " + word
        else:
            joined.append(word)
    return roff.wrap(word for word in joined if word)


def cells(row):
    return [cell.strip() for cell in re.split(r"(?<!\\)\|", row.strip().strip("|"))]


def table(rows):
    """The first column as a term, the others below it; a row of dashes and an empty head say nothing."""
    out = []
    for i, row in enumerate(rows):
        columns = [cell.replace("\\|", "|") for cell in cells(row)]
        is_head = i + 1 < len(rows) and re.match(r"\|[-|: ]+$", rows[i + 1].strip())
        if re.match(r"\|[-|: ]+$", row.strip()) or (is_head and not any(columns[1:])):
            continue
        text = [cell for cell in columns[1:] if cell]
        out += [".TP"] + [" ".join(inline(columns[0]))]
        out += inline("; ".join(text)) if text else ["\\&"]
    return out


def bullets(lines):
    out, item = [], []
    for line in lines + ["- "]:
        if line.startswith("- ") and item:
            out += [".IP \\(bu 2"] + inline(" ".join(item))
            item = []
        item.append(re.sub(r"^- ", "", line).strip())
    return out


def blocks(text):
    """(kind, lines) in their order."""
    lines, i = text.split("\n"), 0
    kinds = [("title", r"#"), ("code", r"```"), ("table", r"\|"), ("list", r"- ")]
    while i < len(lines):
        if not lines[i].strip():
            i += 1
            continue
        kind = next((k for k, pattern in kinds if re.match(pattern, lines[i])), "text")
        start = i
        i += 1
        if kind == "code":
            while not lines[i].startswith("```"):
                i += 1
            i += 1
            yield kind, lines[start + 1 : i - 1]
            continue
        while kind != "title" and i < len(lines) and lines[i].strip() and not re.match(r"#|```", lines[i]):
            if kind == "table" and not lines[i].startswith("|"):
                break
            if kind == "text" and re.match(r"\||- ", lines[i]):
                break
            i += 1
        yield kind, lines[start:i]


def convert(text):
    """Without the document's own title."""
    out = []
    for kind, lines in blocks(text):
        if kind == "title":
            level = len(lines[0]) - len(lines[0].lstrip("#"))
            if level > 1:
                out += roff.heading(lines[0].lstrip("# "), level - 1)
        elif kind == "code":
            out += roff.verbatim(lines)
        elif kind == "table":
            out += table(lines)
        elif kind == "list":
            out += bullets(lines)
        else:
            out += [".PP"] + inline(" ".join(lines))
    return out
