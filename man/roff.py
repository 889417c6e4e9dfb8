# SPDX-License-Identifier: MIT
"""What the pages have in common: text as man(7) macros."""
import re


def escape(text):
    """Characters that roff would take for its own."""
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("`", "\\(ga")
    text = text.replace("^", "\\(ha").replace("~", "\\(ti").replace('"', "\\(dq")
    text = "".join(c if ord(c) < 128 else "\\[u%04X]" % ord(c) for c in text)
    return "\\&" + text if text.startswith(".") else text


def bold(text):
    return "\\fB" + escape(text) + "\\fP"


def head(name, section, date, version, brief):
    return [
        '.TH "%s" "%s" "%s" "vsva %s" "vsva"' % (name.upper(), section, date, version),
        ".SH NAME",
        "%s \\- %s" % (escape(name), escape(brief)),
    ]


def heading(text, level=1):
    return ['.%s "%s"' % ("SH" if level == 1 else "SS", escape(text.upper() if level == 1 else text))]


def verbatim(lines):
    """Lines as they are, tabs made blanks."""
    lines = [escape(line.expandtabs(8).rstrip()) for line in lines]
    while lines and not lines[0]:
        lines.pop(0)
    while lines and not lines[-1]:
        lines.pop()
    return [".PP", ".EX"] + [line or "\\&" for line in lines] + [".EE"] if lines else []


def wrap(words):
    """Words that are roff already, on lines of a width that one can read."""
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > 78:
            lines.append("")
        lines[-1] += " " + word if lines[-1] else word
    return lines


def paragraph(lines):
    return [".PP"] + wrap(escape(word) for line in lines for word in line.split())


def finish(lines):
    """The page's text: no paragraph begins where a section has just begun."""
    out = []
    for line in lines:
        if not (line == ".PP" and re.match(r"\.(SH|SS|RS)\b", out[-1])):
            out.append(line)
    return "\n".join(out) + "\n"


def is_picture(line):
    """Part of a table, a drawing or a list that was laid out by hand."""
    return bool(re.match(r"\s{2,}|\s*\|", line)) or "\u2500" in line


def prose(lines):
    """Paragraphs; what is indented stays as it was laid out."""
    out, run, laid_out = [], [], False

    def flush():
        nonlocal run
        if run:
            out.extend(verbatim(run) if laid_out else paragraph(run))
        run = []

    for line in lines:
        if not line.strip():
            flush()
            continue
        if is_picture(line) != laid_out:
            flush()
            laid_out = is_picture(line)
        run.append(line)
    flush()
    return out


def see_also(names):
    """names: ("vsva", "1") and so on."""
    if not names:
        return []
    refs = [".BR %s (%s)" % (escape(name), section) for name, section in names]
    return heading("See also") + [ref + " ," for ref in refs[:-1]] + refs[-1:]
