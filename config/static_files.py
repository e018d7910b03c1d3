"""The pages' static files, hashed and compressed.

The web process collects them into ``STATIC_ROOT`` when it starts, unless they are there already. Names with a hash may
be cached for ever. While nothing is collected, as in the tests without a desk, pages name the files as they are in the
repository.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

import brotli
import structlog
from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from whitenoise.compress import Compressor
from whitenoise.storage import CompressedManifestStaticFilesStorage

log = structlog.get_logger(__name__)

#: Level 11 makes Plotly's script a tenth smaller and takes 20 times as long.
BROTLI_QUALITY = 9
#: Extensions of htmx that no page uses. They import files that their package does not have.
IGNORED = ["django_htmx/ext/*"]


class QuickCompressor(Compressor):  # type: ignore[misc]
    @staticmethod
    def compress_brotli(data: bytes) -> bytes:
        return bytes(brotli.compress(data, quality=BROTLI_QUALITY))


class PageFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]
    """Names each file with a hash of its content, also in the imports of the scripts."""

    #: The imports of the desk's own scripts. To search Plotly's for imports takes three seconds, and it has none.
    patterns = (
        *(one for one in CompressedManifestStaticFilesStorage.patterns if one[0] == "*.css"),
        ("js/*.js", CompressedManifestStaticFilesStorage._js_module_import_aggregation_patterns[1]),
    )
    #: A name needs one pass more than the longest chain of imports behind it.
    max_post_process_passes = 20

    def create_compressor(self, **options: Any) -> Compressor:
        return QuickCompressor(**options)

    def stored_name(self, name: str) -> str:
        """Return the name with its hash, or ``name`` if it is not collected."""
        return str(self.hashed_files.get(self.hash_key(self.clean_name(name)), name))


def collect_static() -> None:
    """Collect, hash and compress the static files, unless those that are there are of the same sources.

    Without room on the disk, remove what is there: the pages then use the files of the repository.
    """
    root = Path(settings.STATIC_ROOT)
    mark, sources = root / "sources", fingerprint()
    if mark.is_file() and mark.read_text() == sources:
        return
    _empty(root)
    try:
        call_command("collectstatic", interactive=False, verbosity=0, ignore_patterns=IGNORED)
        mark.write_text(sources)
    except OSError as error:
        log.warning("static files are not compressed", error=str(error))
        _empty(root)


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)


def fingerprint() -> str:
    """Return a digest of the names, sizes and times of all source files."""
    digest = hashlib.sha256(str(BROTLI_QUALITY).encode())
    for finder in get_finders():
        for name, storage in finder.list(IGNORED):
            state = Path(storage.path(name)).stat()
            digest.update(f"{name} {state.st_size} {state.st_mtime_ns}\n".encode())
    return digest.hexdigest()
