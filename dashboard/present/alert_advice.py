"""Advice for alerts: the meaning of each kind, and what to do about it. The alert's page shows it."""

from __future__ import annotations

from execution.core.alerts.kinds import AlertKind

ADVICE: dict[AlertKind, str] = {
    AlertKind.BEHIND_SCHEDULE: (
        "The order has filled less than its plan calls for. Its page says what it waits for. Its "
        "trader can raise the urgency, move the limit price or give it more time."
    ),
    AlertKind.CHILD_UNKNOWN: (
        "The exchange has not said whether it has this child order. Its quantity stays reserved, so "
        "nothing is sent twice. The wall shows which evidence is still missing."
    ),
    AlertKind.REFUSALS: (
        "The same refusal comes back, so waiting does not help. Read the reason in the order's list "
        "of children."
    ),
    AlertKind.MARKET_DATA_STALE: (
        "The desk has no fresh price of this market and sends no order there. Check whether the "
        "exchange itself is down."
    ),
    AlertKind.ACCOUNT_DOWN: (
        "The desk cannot trade or cancel on this account at present. Open orders may still fill at "
        "the exchange. The account's line on the wall names the cause."
    ),
    AlertKind.OVERFILL: (
        "More was traded than was asked for. Compare the fills with the exchange, and decide whether "
        "to trade the excess back."
    ),
    AlertKind.LATE_FILL: (
        "The exchange reported a trade of a child that had ended. The desk counts it. Check that the "
        "order's total is as meant."
    ),
    AlertKind.ENGINE_LOST: (
        "A process that works orders has stopped or is too slow. Another engine takes its orders over"
        " within seconds, if one runs. Look at the load of the machine and at the log of the workers."
    ),
    AlertKind.ENGINE_FAILING: (
        "A part of the desk's own program fails again and again. Its log has the error. Tell the "
        "people who run the desk."
    ),
    AlertKind.DIFFERENCE: (
        "The desk and the exchange disagree about orders, trades or balances. The Reconciliation page"
        " shows both sides."
    ),
    AlertKind.ORDER_PAUSED: (
        "The order does nothing until a person resumes or cancels it. Its time runs on, and it "
        "expires at its end."
    ),
    AlertKind.DISK_LOW: "No new order starts until there is room on the disk. Orders that run go on.",
    AlertKind.LIMIT_NEAR: (
        "Soon the desk refuses further orders that count towards this limit. A supervisor can change "
        "it under Limits."
    ),
    AlertKind.LIMIT_BROKEN: (
        "More of this limit is in use than it allows, because it was lowered or prices moved. Pause "
        "or cancel orders, or change the limit under Limits."
    ),
    AlertKind.APPROVAL_WAITING: (
        "Nothing of such an order is sent until another person approves it on the page Approvals. Without a "
        "decision, the request expires."
    ),
    AlertKind.LOGINS_ATTACKED: (
        "Somebody may be guessing passwords. Further guesses are held off. Ask the person of a named "
        "login whether it was them."
    ),
    AlertKind.ACCESS_WAITING: (
        "A request for more rights waits for an admin or supervisor who did not make it. Decide it "
        "under Access."
    ),
    AlertKind.KEY_CHANGED: (
        "The exchange reports other rights of this key than before. If nobody changed the key there "
        "on purpose, suspend it."
    ),
    AlertKind.JOURNAL_BROKEN: (
        "Part of an order's history was changed or removed outside the desk. Keep the database as it "
        "is, and compare it with a backup."
    ),
}
