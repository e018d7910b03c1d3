"""Django settings of Tranche. Everything that an installation may change comes from the environment."""

from __future__ import annotations

import os

import environ
import plotly
from csp.constants import NONE, SELF

from config.databases import with_options
from config.environment import (
    BASE_DIR,
    broker_url,
    cookie_suffix,
    host_names,
    networks,
    public_keys,
    redis_url,
    refuse_debug,
    refuse_placeholders,
    refuse_weak_secret,
    secret_from_file,
    var_dir,
)
from config.logs import configure_logs
from config.version import project_version
from execution.core.retention import Retention, keeping_orders

env = environ.Env()

VAR = var_dir()
#: Shown on the page of the login, in the API's document and by ``manage.py version``.
TRANCHE_VERSION = project_version()
SECRET_KEY = env.str("SECRET_KEY", default="") or secret_from_file(VAR / "secret_key")
DEBUG = env.bool("DEBUG", default=False)
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
#: Proxies in front of the web process. X-Forwarded-For counts only if one of them sent it (docs/how-to/people.md).
TRUSTED_PROXIES = networks("TRUSTED_PROXIES", env.list("TRUSTED_PROXIES", default=[]))
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])

# The desk
TRANCHE_ENVIRONMENT = env.str("TRANCHE_ENVIRONMENT", default="paper")
if TRANCHE_ENVIRONMENT not in {"paper", "testnet", "live"}:
    raise ValueError(f"TRANCHE_ENVIRONMENT is {TRANCHE_ENVIRONMENT!r}; it must be paper, testnet or live")
refuse_debug(TRANCHE_ENVIRONMENT, is_debug=DEBUG)
#: Hosts that a paper installation may use as an exchange, besides this machine. Then the proxies through which a
#: testnet or live installation may reach its exchange (docs/reference/exchanges.md).
TRANCHE_PAPER_HOSTS = host_names("TRANCHE_PAPER_HOSTS", env.list("TRANCHE_PAPER_HOSTS", default=[]))
TRANCHE_PROXY_HOSTS = host_names("TRANCHE_PROXY_HOSTS", env.list("TRANCHE_PROXY_HOSTS", default=[]))
#: Hosts to which alerts may be sent as webhooks and mails. Then the seconds that a critical alert waits for a person
#: before it escalates (docs/how-to/alerts.md).
TRANCHE_ALERT_HOSTS = host_names("TRANCHE_ALERT_HOSTS", env.list("TRANCHE_ALERT_HOSTS", default=[]))
TRANCHE_ALERT_ESCALATES = env.int("TRANCHE_ALERT_ESCALATES", default=120)
if TRANCHE_ALERT_ESCALATES < 5:  # seconds
    raise ValueError(f"TRANCHE_ALERT_ESCALATES is {TRANCHE_ALERT_ESCALATES}; it must be 5 or more")
#: The private key of the process that sends alerts. It decrypts the secrets of channels, but no exchange key.
TRANCHE_ALERT_KEYRING = env.path("TRANCHE_ALERT_KEYRING", default=str(VAR / "alert_keyring"))
#: The treatment of an open order that has our mark but no child order (docs/explanation/reconciliation.md).
TRANCHE_ORPHANS = env.str("TRANCHE_ORPHANS", default="adopt")
if TRANCHE_ORPHANS not in {"adopt", "cancel"}:
    raise ValueError(f"TRANCHE_ORPHANS is {TRANCHE_ORPHANS!r}; it must be adopt or cancel")
#: Seconds after the desk's last sign of life until a dead-man's switch cancels open orders (docs/how-to/keys.md).
TRANCHE_SWITCH_SECONDS = env.int("TRANCHE_SWITCH_SECONDS", default=60)
if TRANCHE_SWITCH_SECONDS < 5:  # an engine looks at it once a second
    raise ValueError(f"TRANCHE_SWITCH_SECONDS is {TRANCHE_SWITCH_SECONDS}; it must be 5 or more")
#: The currency of limits in money. Other currencies are converted into it (docs/how-to/limits.md).
TRANCHE_REPORTING_CURRENCY = env.str("TRANCHE_REPORTING_CURRENCY", default="USDT").upper()
#: Minutes that an order waits for an approval. After that nobody can approve it.
TRANCHE_APPROVAL_MINUTES = env.int("TRANCHE_APPROVAL_MINUTES", default=15)
if TRANCHE_APPROVAL_MINUTES < 1:
    raise ValueError(f"TRANCHE_APPROVAL_MINUTES is {TRANCHE_APPROVAL_MINUTES}; it must be 1 or more")
TRANCHE_KEYRING = env.path("TRANCHE_KEYRING", default=str(VAR / "keyring"))
#: The public keys to which alone web may seal secrets. If empty, web trusts those that the database names
#: (docs/how-to/keys.md).
TRANCHE_SEALING_KEYS = public_keys("TRANCHE_SEALING_KEYS", env.list("TRANCHE_SEALING_KEYS", default=[]))
REDIS_URL = redis_url(VAR)
refuse_placeholders(
    SECRET_KEY=SECRET_KEY,
    DATABASE_URL=env.str("DATABASE_URL", default=""),
    REDIS_URL=REDIS_URL,
    TRANCHE_METRICS_TOKEN=env.str("TRANCHE_METRICS_TOKEN", default=""),
)
refuse_weak_secret(SECRET_KEY)
#: Free space under VAR, in megabytes, below which no new order starts; 0 turns the check off. Unset: 200 MB, or a
#: tenth of a disk of less than 2 GB.
TRANCHE_DISK_FLOOR = env.int("TRANCHE_DISK_FLOOR", default=None)
if TRANCHE_DISK_FLOOR is not None and TRANCHE_DISK_FLOOR < 0:
    raise ValueError(f"TRANCHE_DISK_FLOOR is {TRANCHE_DISK_FLOOR}; it must be 0 or more megabytes")
#: The bearer token for /metrics. If it is not set, only this machine may read /metrics (docs/how-to/monitoring.md).
TRANCHE_METRICS_TOKEN = env.str("TRANCHE_METRICS_TOKEN", default="")
#: Days for which orders are kept (docs/reference/retention.md). All other times are in core/retention.py.
TRANCHE_KEEP_ORDERS = env.int("TRANCHE_KEEP_ORDERS", default=Retention().orders.days)
TRANCHE_RETENTION = keeping_orders(TRANCHE_KEEP_ORDERS)
API_RATE = env.int("API_RATE", default=1200)  # requests a minute for a person

# Without "daphne", which only changes runserver and makes every process import Twisted (half a second each).
INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "axes",
    "csp",
    "django_htmx",
    "execution",
    "dashboard",
]

MIDDLEWARE = [
    "dashboard.middleware.RequestId",
    "django.middleware.security.SecurityMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "dashboard.middleware.NoStore",
    "dashboard.api.problems.ApiProblems",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "dashboard.sessions.SessionEnds",
    "dashboard.again.FactorRequired",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "axes.middleware.AxesMiddleware",
]

ROOT_URLCONF = "config.urls"
ASGI_APPLICATION = "config.asgi.application"
AUTH_USER_MODEL = "execution.User"
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {"NAME": "dashboard.forms.passwords.GuessableValidator"},
]
AXES_FAILURE_LIMIT = 10
AXES_COOLOFF_TIME = 0.25  # hours
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_RESET_ON_SUCCESS = True
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False  # else guesses would keep a lock for ever
AXES_HANDLER = "dashboard.login.LoginHandler"
AXES_CLIENT_IP_CALLABLE = "dashboard.login.login_address"
AXES_LOCKOUT_TEMPLATE = "lockout.html"
LOGIN_URL = "login"
LOGIN_REDIRECT_URL = "home"
LOGOUT_REDIRECT_URL = "login"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "dashboard.context.desk",
            ],
        },
    },
]

# SQLite for one machine, PostgreSQL for a desk through DATABASE_URL.
DATABASES = {"default": with_options(env.db("DATABASE_URL", default=f"sqlite:///{VAR / 'tranche.sqlite3'}"))}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

CHANNEL_LAYERS = {
    "default": {
        "BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer",
        # redis-py's default time-out would close idle websockets.
        "CONFIG": {"hosts": [{"address": REDIS_URL, "socket_timeout": None}], "prefix": "tranche"},
    },
}

USE_TZ = True
TIME_ZONE = "UTC"
LANGUAGE_CODE = "en-gb"
USE_I18N = False

STATIC_URL = "static/"
STATIC_ROOT = VAR / "static"
# Whitenoise warns of a folder that is not there, also where finders serve all.
STATIC_ROOT.mkdir(exist_ok=True)
STATICFILES_DIRS = [
    BASE_DIR / "static",
    # Plotly's script comes from its wheel; PlotlyFinder serves that one file and nothing else of the folder.
]
STATICFILES_FINDERS = [
    "django.contrib.staticfiles.finders.FileSystemFinder",
    "django.contrib.staticfiles.finders.AppDirectoriesFinder",
    "config.finders.PlotlyFinder",
]
PLOTLY_SCRIPT = os.path.join(os.path.dirname(plotly.__file__), "package_data", "plotly.min.js")
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "config.static_files.PageFiles"},
}
WHITENOISE_USE_FINDERS = True
WHITENOISE_AUTOREFRESH = DEBUG
WHITENOISE_KEEP_ONLY_HASHED_FILES = True

# Security
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": [SELF],
        "img-src": [SELF, "data:", "blob:"],
        "object-src": [NONE],
        "base-uri": [NONE],
        "form-action": [SELF],
        "frame-ancestors": [NONE],
        "report-uri": "/csp-report",
    },
}
SECURE_TLS = env.bool("SECURE_TLS", default=False)
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = SECURE_TLS
# A browser takes such a cookie from this very host alone, over TLS: no other host of the domain can set it.
_of_this_host = "__Host-" if SECURE_TLS else ""
# A browser shares cookies between the ports of a host: two desks beside each other need names of their own.
SESSION_COOKIE_NAME = env.str(
    "SESSION_COOKIE_NAME", default=f"{_of_this_host}tranche_session_{cookie_suffix(VAR)}"
)
CSRF_COOKIE_NAME = env.str("CSRF_COOKIE_NAME", default=f"{_of_this_host}tranche_csrf_{cookie_suffix(VAR)}")
BROWSER_COOKIE_NAME = f"{_of_this_host}tranche_browser_{cookie_suffix(VAR)}"
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
SECURE_HSTS_SECONDS = 365 * 24 * 3600 if SECURE_TLS else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = SECURE_TLS
# The proxy has the plain port and sends it on; the list that browsers ship is for the owner of the whole domain.
SILENCED_SYSTEM_CHECKS = ["security.W008", "security.W021"]
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
#: Seconds after its login, and seconds without an open page, after which a session ends.
SESSION_COOKIE_AGE = env.int("SESSION_HOURS", default=12) * 3600
SESSION_IDLE = env.int("SESSION_IDLE_MINUTES", default=60) * 60
for _name, _seconds in (("SESSION_HOURS", SESSION_COOKIE_AGE), ("SESSION_IDLE_MINUTES", SESSION_IDLE)):
    if _seconds <= 0:
        raise ValueError(f"{_name} must be 1 or more")
#: The most bytes, fields and files of a request. A ticket has 2 KB and 40 fields, and nobody sends files.
#: config/web.py refuses a longer body before it is read.
DATA_UPLOAD_MAX_MEMORY_SIZE = 65_536
DATA_UPLOAD_MAX_NUMBER_FIELDS = 500
DATA_UPLOAD_MAX_NUMBER_FILES = 0
X_FRAME_OPTIONS = "DENY"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True

# Celery
CELERY_BROKER_URL = broker_url(REDIS_URL)
CELERY_TASK_ACKS_LATE = True
CELERY_ACCEPT_CONTENT = ["json"]  # a pickle from whoever can write to Redis would be code
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_TASK_IGNORE_RESULT = True
CELERY_WORKER_SOFT_SHUTDOWN_TIMEOUT = 3
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 600,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
}
CELERY_TASK_DEFAULT_QUEUE = "engine"
CELERY_TASK_ROUTES = {
    "execution.tasks.estimate": {"queue": "compute"},
    "execution.tasks.deliver_alerts": {"queue": "compute"},
    "execution.tasks.housekeep": {"queue": "compute"},
    "execution.tasks.verify_journal": {"queue": "compute"},
}
# Kept in memory: every entry comes again within a minute, and a file could be damaged by a full disk.
CELERY_BEAT_SCHEDULER = "celery.beat:Scheduler"
# An entry expires a little before the next one, so that a queue never fills with stale hints.
CELERY_BEAT_SCHEDULE = {
    "hurry": {"task": "execution.tasks.hurry", "schedule": 5.0, "options": {"expires": 4.5}},
    "deliver_alerts": {
        "task": "execution.tasks.deliver_alerts",
        "schedule": 5.0,
        "options": {"expires": 4.5},
    },
    "housekeep": {"task": "execution.tasks.housekeep", "schedule": 60.0, "options": {"expires": 55}},
    "expire_approvals": {
        "task": "execution.tasks.expire_approvals",
        "schedule": 5.0,
        "options": {"expires": 4.5},
    },
    "verify_journal": {
        "task": "execution.tasks.verify_journal",
        "schedule": 60.0,
        "options": {"expires": 55},
    },
}

LOG_LEVEL = env.str("LOG_LEVEL", default="INFO")
LOGGING_CONFIG = None
LOG_FORMAT = env.str("LOG_FORMAT", default="logfmt")
if LOG_FORMAT not in {"logfmt", "json"}:
    raise ValueError(f"LOG_FORMAT is {LOG_FORMAT!r}; it must be logfmt or json")
configure_logs(LOG_LEVEL, LOG_FORMAT)
