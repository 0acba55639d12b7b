# Copyright 2026 The zoe_depth_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""HTML as a tree, so that nothing in it is left without escaping."""

from __future__ import annotations

from unicodedata import category
from xml.etree.ElementTree import Element
from xml.etree.ElementTree import tostring

REPLACEMENT = '\ufffd'


def element(tag: str, *content: Element | str, **attributes: object) -> Element:
    """
    Return an element with its content.

    :param tag: its name.
    :param content: elements, and text in any characters; what cannot be printed is replaced.
    :param attributes: a trailing underscore of a name is left out, any other becomes a hyphen.
    """
    made = Element(tag, {
        name.rstrip('_').replace('_', '-'): printable(str(value))
        for name, value in attributes.items()})
    for item in content:
        if isinstance(item, Element):
            made.append(item)
        elif len(made):
            made[-1].tail = (made[-1].tail or '') + printable(item)
        else:
            made.text = (made.text or '') + printable(item)
    return made


def printable(text: str) -> str:
    """Return text without control characters, halves of characters and changes of direction."""
    return ''.join(
        REPLACEMENT if category(char).startswith('C') and char != '\n' else char for char in text)


def document(head: Element, body: Element) -> str:
    """Return the text of a page in English."""
    root = element('html', head, body, lang='en')
    return f'<!DOCTYPE html>\n{tostring(root, encoding="unicode", method="html")}\n'
