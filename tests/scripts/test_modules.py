"""The modules of the pages: each import leads to a module, and nothing happens at import but in the shell."""

from __future__ import annotations

import re
from pathlib import Path

from tests.scripts.bare import SCRIPTS, Scripts, all_modules

#: ``theme.js`` runs before the first paint and is no module.
MODULES = [path.as_posix() for path in all_modules() if path.as_posix() != "lib/theme.js"]
#: Begins itself, and then starts the page's own modules.
ENTRY = "pages/shell.js"
IMPORT = re.compile(r'^import (?:[^;"]*\bfrom )?"([^"]+)";', re.MULTILINE)

#: Records what a module does with the page while it is loaded. Each of these is work.
RECORDING = """() => {
  window.done = [];
  const record = (owner, name) => {
    const real = owner[name];
    owner[name] = function (...given) {
      window.done.push(`${name}(${given[0]})`);
      return real.apply(this, given);
    };
  };
  const asked = ["getElementById", "querySelector", "querySelectorAll", "createElement"];
  for (const name of asked) record(Document.prototype, name);
  const begun = ["setInterval", "setTimeout", "fetch", "WebSocket", "getComputedStyle", "matchMedia"];
  for (const name of begun) record(window, name);
  record(EventTarget.prototype, "addEventListener");
  record(Storage.prototype, "getItem");
}"""
LOADED = """async (module) => {
  window.done.length = 0;
  await import(`/static/js/${module}`);
  return window.done;
}"""
#: The entry needs what every page has, and finds nothing here.
FAILED = LOADED.replace("`);", "`).catch(() => null);")


def imported(module: str) -> list[Path]:
    """Return the files that a module imports."""
    text = (SCRIPTS / module).read_text(encoding="utf-8")
    return [((SCRIPTS / module).parent / name).resolve() for name in IMPORT.findall(text)]


def test_every_import_leads_to_a_module() -> None:
    """The linter finds the import of a name that no module exports, but not that of a module that does not exist."""
    assert len(imported("pages/ticket.js")) > 5
    lost = {module: file for module in MODULES for file in imported(module) if not file.is_file()}
    assert lost == {}


def test_every_module_is_used() -> None:
    """By another module, or by a template."""
    templates = SCRIPTS.parents[1] / "templates"
    text = "\n".join(path.read_text(encoding="utf-8") for path in templates.rglob("*.html"))
    used = set(re.findall(r"js/([\w/]+\.js)", text))
    used |= {file.relative_to(SCRIPTS).as_posix() for module in MODULES for file in imported(module)}
    assert sorted(set(MODULES) - used) == []


def test_nothing_happens_at_the_import_of_a_module(scripts: Scripts) -> None:
    """So every module but the entry can be tested on a bare page."""
    scripts.clear()
    scripts.run(RECORDING)
    loaded = {module: scripts.run(LOADED, module) for module in MODULES if module != ENTRY}
    began = scripts.run(FAILED, ENTRY)
    scripts.clear()
    assert len(loaded) > 90
    assert {module: done for module, done in loaded.items() if done} == {}
    assert began, "what is recorded can be seen"


def test_a_page_names_only_modules_that_can_be_started(scripts: Scripts) -> None:
    """No module imports one of them: under another name, such as a hashed one, a browser loads it a second time."""
    templates = SCRIPTS.parents[1] / "templates"
    text = "\n".join(path.read_text(encoding="utf-8") for path in templates.rglob("*.html"))
    named = re.findall(r"""<script type="module" src="{% static 'js/([^']+)' %}"></script>""", text)
    pages = set(named) - {ENTRY}
    assert text.count('type="module"') == len(named)
    assert pages == {module for module in MODULES if module.startswith("pages/")} - {ENTRY}
    scripts.clear()
    kinds = "async (module) => typeof (await import(`/static/js/${module}`)).start"
    assert {scripts.run(kinds, module) for module in pages} == {"function"}
    assert [one for one in pages if not (SCRIPTS / one).read_text().endswith("\nregister(start);\n")] == []
    base = (templates / "base.html").read_text(encoding="utf-8")
    assert base.index("{% block scripts %}") < base.index("pages/shell.js"), (
        "it starts what has registered before"
    )
    used = {file.relative_to(SCRIPTS).as_posix() for module in MODULES for file in imported(module)}
    assert used & (pages | {ENTRY}) == set()
