"""Celery tasks. Each takes at most an id, and makes one call. Trading is done by the engine in the same process."""

from __future__ import annotations

import os
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from importlib import import_module
from typing import TYPE_CHECKING, Any

import structlog
from celery import bootsteps, shared_task, signals
from django.conf import settings
from django.utils import timezone

from execution.alerting.sender import deliver_due
from execution.core.simulation.asking import predict_spec
from execution.core.simulation.prediction import Prediction
from execution.engine.failures import incident_id, is_outage
from execution.selectors.chains import break_words
from execution.services.accounts.credentials import credential_checks_due
from execution.services.alerts.outbox import deliveries_drop
from execution.services.desk.four_eyes import access_expire
from execution.services.desk.housekeeping import (
    candles_drop,
    checks_drop,
    decisions_drop,
    estimates_drop,
    samples_drop,
    workers_drop,
)
from execution.services.desk.journal_check import journal_check_step
from execution.services.desk.logins import logins_drop
from execution.services.desk.old_orders import orders_drop
from execution.services.halts import halts_lifted_tell
from execution.services.orders.approvals import approvals_expire
from execution.services.orders.estimates import estimate_failed, estimate_work
from execution.services.records.reports import reports_keep

if TYPE_CHECKING:
    from execution.alerting.watcher import Watcher
    from execution.engine.host import EngineHost

log = structlog.get_logger(__name__)

ENGINE_QUEUE = "engine"
COMPUTE_QUEUE = "compute"
ENGINE_MODULE = "execution.engine.host"
WATCHER_MODULE = "execution.alerting.watcher"
#: Seconds between two batches of deletions. They exceed any writer's wait before it tries for the lock again.
BETWEEN_BATCHES = 0.02
#: Seconds of one step of the check of all chains. The next step follows a minute later.
CHECK_SECONDS = 20.0


def _when_nobody_else_wants() -> None:
    """Let this thread run only when no other thread needs the processor.

    The process keeps its normal priority. If the whole process had a low priority, the system could suspend
    it while it holds the database's lock. Every writer would then wait, for up to a second.
    """
    if hasattr(os, "SCHED_IDLE"):
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


_aside = ThreadPoolExecutor(1, thread_name_prefix="aside", initializer=_when_nobody_else_wants)


def predict_aside(spec: dict[str, Any]) -> Prediction:
    return _aside.submit(predict_spec, spec).result()


@signals.celeryd_after_setup.connect
def prepare_worker(instance: Any, **_signal: Any) -> None:
    """Import modules that take long to load, before the worker reports that it is ready."""
    queues = instance.app.amqp.queues.consume_from
    if ENGINE_QUEUE in queues:
        import_module(ENGINE_MODULE)
    if COMPUTE_QUEUE in queues:
        import_module(WATCHER_MODULE)


def _host() -> EngineHost | None:
    module = sys.modules.get(ENGINE_MODULE)
    return None if module is None else module.host


def _watcher() -> Watcher | None:
    module = sys.modules.get(WATCHER_MODULE)
    return None if module is None else module.watcher


@signals.worker_ready.connect
def start_watcher(**_signal: Any) -> None:
    if (watcher := _watcher()) is not None:
        watcher.start()


@signals.worker_shutting_down.connect
def stop_watcher(**_signal: Any) -> None:
    if (watcher := _watcher()) is not None:
        watcher.stop()


@signals.worker_ready.connect
def start_engine(**_signal: Any) -> None:
    if (host := _host()) is not None:
        host.start()


@signals.worker_shutting_down.connect
def stop_engine(**_signal: Any) -> None:
    if (host := _host()) is not None:
        host.stop()


class EngineStep(bootsteps.StartStopStep):
    """The step that makes the Celery worker wait for its engine, on a warm and on a cold shutdown.

    The signal ``worker_shutdown`` is not enough, because Celery does not send it on a cold shutdown.
    """

    requires = ("celery.worker.components:Pool",)

    def start(self, parent: Any) -> None:
        """Do nothing. ``start_engine`` starts the engine later, when the worker is ready."""

    def stop(self, parent: Any) -> None:  # noqa: ARG002
        if (host := _host()) is not None:
            host.join()

    terminate = stop


@shared_task
def drive(order_pk: int) -> None:
    """Make the engine claim an order now. Without this, it would find the order within half a second."""
    if (host := _host()) is not None:
        host.hint(order_pk)


@shared_task
def hurry() -> None:
    """Make the engine look for work now. Celery beat runs this task regularly, in case a wake-up message was lost."""
    if (host := _host()) is not None:
        host.hint(0)


@shared_task
def expire_approvals() -> None:
    """End requests for approval that have expired."""
    approvals_expire(now=timezone.now())


@shared_task
def estimate(estimate_pk: int) -> None:
    """Calculate the expected cost of an order and store it.

    If our own code fails, store the problem instead. The pages that wait for the cost then show it.
    """
    try:
        estimate_work(estimate_pk=estimate_pk, now=timezone.now(), predict=predict_aside)
    except Exception as error:
        if is_outage(error):
            raise  # asked for again
        incident = incident_id()
        log.exception("an estimate failed in our own code", incident=incident, estimate=estimate_pk)
        problem = f"the simulation failed: {type(error).__name__} (incident {incident} in the log)"
        estimate_failed(estimate_pk=estimate_pk, problem=problem, now=timezone.now())


@shared_task
def deliver_alerts() -> None:
    """Send queued alerts. The queue is in the database, so the loss of this task only delays them by seconds."""
    deliver_due(timezone.now)


@shared_task
def verify_journal() -> None:
    """Continue tonight's check of the hash chains for some seconds."""
    ends = time.monotonic() + CHECK_SECONDS
    check = journal_check_step(now=timezone.now(), has_time=lambda: time.monotonic() < ends)
    if check is not None and check.ended_at is not None and check.broken:
        log.error("the journal is broken", breaks=check.broken, first=break_words(check.breaks[0]))


@shared_task
def housekeep() -> None:
    """Make the reports that are due, then delete old rows and do other regular work.

    Reports come first, because they need samples that are deleted afterwards.
    """
    now, kept = timezone.now(), settings.TRANCHE_RETENTION
    credential_checks_due(now=now)
    access_expire(now=now)
    halts_lifted_tell(since=now - timedelta(days=1), now=now)
    reports_keep(now=now, samples_since=now - kept.samples)
    samples_drop(before=now - kept.samples, pause=let_others_write)
    workers_drop(before=now - kept.workers, pause=let_others_write)
    estimates_drop(before=now - kept.estimates, pause=let_others_write)
    deliveries_drop(before=now - kept.deliveries)
    logins_drop(now=now)
    candles_drop(before=(now - kept.candles).date(), pause=let_others_write)
    decisions_drop(before=now - kept.decisions, pause=let_others_write)
    checks_drop(before=now - kept.checks, pause=let_others_write)
    orders_drop(before=now - kept.orders, now=now, pause=let_others_write)


def let_others_write() -> None:
    time.sleep(BETWEEN_BATCHES)
