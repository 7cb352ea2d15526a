# Copyright (c) 2026, nhncloud.nks contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sphinx's settings for the documentation site, which ../docsite.py builds."""

from __future__ import annotations

import os
import re

from docutils import nodes
from sphinx.application import Sphinx

project = "nhncloud.nks"
author = "nhncloud.nks contributors"
project_copyright = "2026, nhncloud.nks contributors"
version = release = os.environ["DOCSITE_VERSION"]

extensions = ["myst_parser", "sphinx.ext.githubpages", "sphinx_antsibull_ext"]
source_suffix = {".rst": "restructuredtext", ".md": "markdown"}
default_role = "any"
# Headings have the anchors that they have where the repository is browsed.
myst_heading_anchors = 4
# Code without a language is what one types into a shell.
highlight_language = "sh"
antsibull_ext_color_scheme = "none"

html_theme = "furo"
html_title = "nhncloud.nks %s" % version
html_static_path = ["static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_use_index = False

# What antsibull-docs draws its tables with, in either mode of the theme: text has a contrast of 4.5 or more.
ANTSIBULL = {
    "links-background": ("#0a58ca", "#2f6fbf"),
    "links-background-active": ("#084298", "#4585d6"),
    "links-focus-outline": ("#041f4a", "#ffffff"),
    "links-text": ("#ffffff", "#ffffff"),
    "table-background-header": ("#eef1f5", "#2b2d31"),
    "table-background-even": ("#f8f9fb", "#1a1c1e"),
    "table-background-odd": ("#ffffff", "#131416"),
    "table-border": ("#d0d7de", "#3d4147"),
    "narrowtable-background": ("#eef1f5", "#2b2d31"),
    "option-type": ("#6f2dbd", "#d2a8ff"),
    "option-elements": ("#6f2dbd", "#d2a8ff"),
    "option-required": ("#b42318", "#ff9b90"),
    "option-version-added": ("#1a6b32", "#7ee29b"),
    "option-aliases": ("#1a6b32", "#7ee29b"),
    "option-default": ("#0a58ca", "#8ab8ff"),
    "option-sample": ("#0a58ca", "#8ab8ff"),
    "option-sample-header": ("inherit", "inherit"),
    "attribute-support-none": ("#b42318", "#ff9b90"),
    "attribute-support-partial": ("#7a5d00", "#e0c050"),
    "attribute-support-full": ("#1a6b32", "#7ee29b"),
    "attribute-support-na": ("inherit", "inherit"),
    "deprecation-border": ("#b42318", "#ff9b90"),
    "deprecation-background": ("#eef1f5", "#2b2d31"),
    "deprecation-color": ("inherit", "inherit"),
}
html_theme_options = {
    "light_css_variables": {"antsibull-" + name: light for name, (light, dark) in ANTSIBULL.items()},
    "dark_css_variables": {"antsibull-" + name: dark for name, (light, dark) in ANTSIBULL.items()},
    "top_of_page_buttons": [],
}

# Pages of Ansible's own documentation, which are not looked up, so that the site can be built without a network.
ANSIBLE = "https://docs.ansible.com/projects/ansible/latest/"
SETTINGS = "reference_appendices/config.html"
ELSEWHERE = {
    "action_plugins": ("plugins/action.html", "action plugins"),
    "ansible_configuration_settings": (SETTINGS, "Ansible's configuration settings"),
    "common_return_values": ("reference_appendices/common_return_values.html", "common return values"),
}
# Columns whose words in code are names of tests, some of which are called as the module that they test.
TESTS = ("Test", "Shown by")


def elsewhere(app: Sphinx, env: object, node: nodes.Element, content: nodes.Element) -> nodes.Element | None:
    """Resolve a reference to Ansible's documentation; any other that is missing stays a warning."""
    target = node.get("reftarget", "")
    plugin = re.match(r"ansible_collections\.(?!nhncloud\.)(\w+)\.(\w+)\.(\w+)$", target)
    page, title = "", ""
    if node.get("reftype") == "envvar" and target.startswith("ANSIBLE_"):
        page = "%s#envvar-%s" % (SETTINGS, target)
    elif plugin:
        page = "collections/%s/%s/%s.html" % plugin.groups()
    elif target in ELSEWHERE:
        page, title = ELSEWHERE[target]
    if not page:
        return None
    text = nodes.inline("", title) if title and not node.get("refexplicit") else content
    return nodes.reference("", "", text, refuri=ANSIBLE + page, internal=False)


def link_modules(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Make each module's name in a guide's code marks a link to its page."""
    if docname.startswith("reference/"):
        return
    for literal in list(doctree.findall(nodes.literal)):
        name = literal.astext().removeprefix("nhncloud.nks.")
        page = "reference/%s_module" % name
        if page not in app.env.all_docs or isinstance(literal.parent, (nodes.reference, nodes.title)) or in_column(literal, TESTS):
            continue
        link = nodes.reference("", "", internal=True, refuri=app.builder.get_relative_uri(docname, page))
        literal.replace_self(link)
        link += literal


def in_column(node: nodes.Node, names: tuple[str, ...]) -> bool:
    """Tell whether a node is in a table's column with one of these heads."""
    while node.parent is not None and not isinstance(node, nodes.entry):
        node = node.parent
    if node.parent is None:
        return False
    head = next(iter(node.parent.parent.parent.findall(nodes.thead)), None)
    return head is not None and head[0][node.parent.index(node)].astext() in names


def setup(app: Sphinx) -> None:
    """Add the above to the build."""
    app.connect("missing-reference", elsewhere)
    app.connect("doctree-resolved", link_modules)
