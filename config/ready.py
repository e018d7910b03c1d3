"""Sets Django up when it is imported, for modules that need it before they import models."""

import os

import django

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
django.setup(set_prefix=False)
