"""The codes of all refusals. Programs read the code instead of the message.

A code never changes its meaning. ``docs/reference/error-codes.md`` is generated from here.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


class Code(StrEnum):
    """A code of a refusal: the code, the field that it names, what it means, and what to do."""

    field: str
    meaning: str
    remedy: str

    def __new__(cls, value: str, field: str, meaning: str, remedy: str) -> Code:
        member = str.__new__(cls, value)
        member._value_ = value
        member.field, member.meaning, member.remedy = field, meaning, remedy
        return member

    # fmt: off

    # Any value
    VALUE_MISSING = ("value_missing", "any",
        "A value is required.", "Send it.")
    VALUE_MALFORMED = ("value_malformed", "any",
        "The value cannot be read.", "Write it as the message says.")
    VALUE_WRONG_TYPE = ("value_wrong_type", "any",
        "The value has the wrong JSON type.", "Send the type in `limit`.")
    VALUE_NOT_ALLOWED = ("value_not_allowed", "any",
        "The value is not one of those allowed.", "Choose one of `limit`.")
    VALUE_OUT_OF_RANGE = ("value_out_of_range", "any",
        "The number or time is too small or too large.", "Stay within `limit`.")
    LENGTH_OUT_OF_RANGE = ("length_out_of_range", "any",
        "The text or list is too short or too long.", "Stay within `limit`.")
    VALUE_REPEATED = ("value_repeated", "any",
        "The same name is given more than once.", "Name it once.")
    FIELD_UNKNOWN = ("field_unknown", "the unknown field",
        "There is no such field here.", "Remove it.")
    MORE_PROBLEMS = ("more_problems", "",
        "There are more problems than an answer lists.", "Correct the others first.")

    # Requests
    BODY_UNREADABLE = ("body_unreadable", "",
        "The body is not valid JSON.", "Correct the JSON.")
    MEDIA_TYPE_UNSUPPORTED = ("media_type_unsupported", "",
        "The body is not declared as JSON.", "Send `Content-Type: application/json`.")
    UNAUTHENTICATED = ("unauthenticated", "",
        "The token is missing, unknown, expired or revoked.", "Send a valid token.")
    NOT_FOUND = ("not_found", "",
        "There is no such thing, or you may not see it.", "Check the address.")
    METHOD_NOT_ALLOWED = ("method_not_allowed", "",
        "The address does not take this method.", "Use a method that `Allow` names.")
    REQUEST_TOO_LARGE = ("request_too_large", "part of the request",
        "The address, the headers or the body are too large.", "Send less.")
    REQUEST_TOO_SLOW = ("request_too_slow", "request",
        "The request did not arrive in time.", "Send it again.")
    RATE_LIMITED = ("rate_limited", "",
        "There were too many requests.", "Wait as long as `Retry-After` says.")
    REQUEST_REFUSED = ("request_refused", "",
        "The request was refused for a reason without a code.", "Read `status` and `detail`.")
    BUSY = ("busy", "",
        "The desk is busy. The request was not carried out.", "Send it again later.")
    INTERNAL_ERROR = ("internal_error", "",
        "The desk failed. The request may have been carried out.", "Read the state, then try again.")
    DATABASE_UNAVAILABLE = ("database_unavailable", "",
        "The database cannot be reached. The request may have been carried out.", "Send it again with the same key.")

    # People
    ROLE_NOT_ALLOWED = ("role_not_allowed", "role, if any",
        "Your role does not allow this.", "Ask somebody with the role in `limit`.")
    NOT_YOUR_ORDER = ("not_your_order", "",
        "The order belongs to somebody else.", "Ask its trader.")
    LAST_ADMIN = ("last_admin", "role, is_active",
        "This would leave the desk without an active admin.", "Make another admin first.")
    PERSON_INACTIVE = ("person_inactive", "person",
        "The person is not active.", "Activate the person first.")
    TOO_MANY_TOKENS = ("too_many_tokens", "",
        "The person has as many valid tokens as allowed.", "Revoke one first.")
    SCOPE_MISSING = ("scope_missing", "",
        "The token's scopes do not allow this.", "Use a token with a scope in `limit`.")
    ADDRESS_NOT_ALLOWED = ("address_not_allowed", "",
        "The token may not be used from this address.", "Send from an address that the token names.")
    NAME_TAKEN = ("name_taken", "username",
        "Somebody has this name, or one that looks like it.", "Choose another name.")
    CODE_WRONG = ("code_wrong", "code, password",
        "The code or the password is not right.", "Use the code that the authenticator shows now.")
    FACTOR_EXISTS = ("factor_exists", "",
        "The person has a second factor.", "Remove it first.")
    FACTOR_MISSING = ("factor_missing", "",
        "The person needs a second factor.", "Make one under Your account.")
    ACCESS_WAITING = ("access_waiting", "",
        "A request for the same waits for a second person.", "Have it decided first, or withdraw it.")
    ACCESS_DECIDED = ("access_decided", "",
        "The request has been decided, or it has expired.", "Ask again.")
    ACCESS_OWN = ("access_own", "",
        "Nobody decides their own request.", "Ask another admin or supervisor.")
    ACCESS_OUTDATED = ("access_outdated", "",
        "The request differs from what you saw, or what it would change is different by now.", "Ask again.")
    CONFIRMATION_PHRASE_WRONG = ("confirmation_phrase_wrong", "phrase",
        "The confirmation phrase was not typed as shown.", "Type the phrase in `limit`.")

    # Placing orders
    ALGORITHM_UNKNOWN = ("algorithm_unknown", "algorithm",
        "There is no such algorithm.", "Choose one of `limit`.")
    ACCOUNT_UNKNOWN = ("account_unknown", "accounts",
        "You have no such account.", "Choose one of your accounts.")
    ACCOUNT_WITHOUT_KEY = ("account_without_key", "accounts",
        "The account has no key in use.", "Ask an admin to add a key.")
    ACCOUNT_UNAVAILABLE = ("account_unavailable", "accounts",
        "The account cannot be used at the moment.", "Leave it out, or wait.")
    SYMBOL_NOT_LISTED = ("symbol_not_listed", "symbol",
        "The account does not trade the symbol.", "Choose one of `limit`.")
    MARKET_UNKNOWN = ("market_unknown", "symbol",
        "The lot, tick and minimum of the symbol are not known yet.", "Wait for the venue, then send again.")
    MARKET_CLOSED = ("market_closed", "accounts",
        "The market of an account takes no such order now.", "Leave the account out, or wait until it trades.")
    PRICE_UNKNOWN = ("price_unknown", "quantity, limit_price",
        "No price of the symbol is known.", "Give a limit price, or wait for market data.")
    QUANTITY_BELOW_MINIMUM = ("quantity_below_minimum", "quantity",
        "The quantity is below the exchange's minimum.", "Ask for at least `limit`.")
    QUANTITY_OFF_LOT = ("quantity_off_lot", "quantity",
        "The quantity is finer than the lot.", "Use a multiple of `limit`.")
    MAXIMUM_BELOW_MINIMUM = ("maximum_below_minimum", "quantity",
        "The exchange's maximum of one order is under its minimum.", "Choose another account.")
    LIMIT_PRICE_OFF_TICK = ("limit_price_off_tick", "limit_price",
        "The limit price is finer than the tick.", "Use a multiple of `limit`.")
    LIMIT_PRICE_OUTSIDE_BAND = ("limit_price_outside_band", "limit_price",
        "No order can rest at the limit price: it is outside the exchange's price band.", "Stay within `limit`.")
    LIMIT_PRICE_OUTSIDE_COLLAR = ("limit_price_outside_collar", "confirm_limit",
        "The limit price is outside the collar.", "Confirm it, or stay within `limit`.")
    I_WOULD_PRICE_OUTSIDE_COLLAR = ("i_would_price_outside_collar", "confirm_i_would",
        "The I-would price is outside the collar.", "Confirm it, or stay within `limit`.")
    QUANTITY_NOT_CONFIRMED = ("quantity_not_confirmed", "confirm_quantity",
        "The quantity must be typed again, and was not.", "Type the quantity in `limit`.")
    NOTIONAL_NOT_CONFIRMED = ("notional_not_confirmed", "confirm_notional",
        "The basket's notional must be typed again, and was not.", "Type what it is now, `limit`.")
    LOOKALIKE_NOT_CONFIRMED = ("lookalike_not_confirmed", "confirm_lookalike",
        "You sent an order like this one a moment ago.", "Confirm that you mean a second one.")
    INSUFFICIENT_BALANCE = ("insufficient_balance", "quantity, limit_price",
        "The accounts hold too little.", "Ask for less, or fund the accounts.")
    BALANCE_RESERVED = ("balance_reserved", "quantity, limit_price, or none",
        "The accounts hold enough, but other live orders reserve it.",
        "Ask for at most `limit`, or cancel or reduce one of the orders.")
    INSUFFICIENT_LIQUIDITY = ("insufficient_liquidity", "quantity",
        "The books cannot fill the quantity within limit and collar.", "Ask for at most `limit`, or accept a part.")
    LIMIT_EXCEEDED = ("limit_exceeded", "quantity, limit_price, collar_bp",
        "The order is above a limit that a supervisor set.", "Ask for less than `limit`, or ask a supervisor.")
    LIMIT_REASON_MISSING = ("limit_reason_missing", "limit_reason_…",
        "The order is above a soft limit.", "Give a reason for it, or stay within `limit`.")
    APPROVAL_NEEDED = ("approval_needed", "quantity, limit_price, collar_bp",
        "Another person has to approve this.", "Ask a supervisor, or stay within `limit`.")
    APPROVAL_CLOSED = ("approval_closed", "",
        "The request for approval was decided, withdrawn or has expired.", "Read the order again.")
    APPROVAL_OUTDATED = ("approval_outdated", "kinds",
        "The order exceeds other limits than you have seen.", "Read the request again.")
    OWN_REQUEST = ("own_request", "",
        "Nobody approves their own request.", "Ask another supervisor.")
    TRADING_HALTED = ("trading_halted", "accounts, symbol, or none",
        "A halt covers the order.", "Wait until a supervisor lifts the halt in `limit`.")
    DISK_SPACE_LOW = ("disk_space_low", "",
        "The desk's disk is nearly full, so no new order starts.", "Free disk space.")
    IDEMPOTENCY_KEY_REUSED = ("idempotency_key_reused", "key",
        "The key was used for another order.", "Use a fresh key for each order.")

    # Times and plans
    DURATION_OR_END_REQUIRED = ("duration_or_end_required", "duration",
        "Exactly one of duration and end is required.", "Send one of them.")
    START_IN_PAST = ("start_in_past", "start_at",
        "The start is in the past.", "Choose a later start, or none.")
    START_TOO_LATE = ("start_too_late", "start_at",
        "The start is too far in the future.", "Choose an earlier start.")
    END_IN_PAST = ("end_in_past", "end_at",
        "The end is in the past.", "Choose a later end.")
    END_TOO_EARLY = ("end_too_early", "end_at, duration",
        "The end is too early for the start or for now.", "Choose an end after `limit`.")
    DURATION_TOO_LONG = ("duration_too_long", "end_at, duration",
        "The order would work for too long.", "Stay within `limit`.")
    END_IS_FIXED = ("end_is_fixed", "at_end, outside_limit, mode",
        "The fixed end of the order does not allow this.", "Give a duration instead of an end.")
    TOO_MANY_SLICES = ("too_many_slices", "slices",
        "The slices would be too small or too short.", "Ask for at most `limit`.")
    SLICES_TOO_SHORT = ("slices_too_short", "slice_length",
        "The slices would be below the exchange's minimum.", "Use at least `limit`.")
    VISIBLE_QUANTITY_ABOVE_TOTAL = ("visible_quantity_above_total", "visible_quantity",
        "The visible quantity is above the order's quantity.", "Show at most `limit`.")
    VISIBLE_QUANTITY_OFF_LOT = ("visible_quantity_off_lot", "visible_quantity",
        "The visible quantity is finer than the lot.", "Use a multiple of `limit`.")
    VISIBLE_QUANTITY_BELOW_MINIMUM = ("visible_quantity_below_minimum", "visible_quantity",
        "A part would be below the exchange's minimum.", "Show at least `limit`.")
    RATES_OUT_OF_ORDER = ("rates_out_of_order", "minimum_rate, maximum_rate",
        "The participation rate is not between its minimum and maximum.", "Correct the rate with `limit`.")
    VOLATILITY_UNKNOWN = ("volatility_unknown", "volatility",
        "There are too few candles to estimate the volatility.", "Give it yourself.")
    IMPACT_UNKNOWN = ("impact_unknown", "impact_bp",
        "No volume is known to estimate the impact.", "Give it yourself.")

    # Running orders
    ORDER_NOT_OPEN = ("order_not_open", "status",
        "The order's status does not allow this.", "Read the order's status.")
    TERMS_CHANGED = ("terms_changed", "terms_version",
        "Somebody changed the order's terms in the meantime.", "Read the terms again.")
    NOTHING_CHANGES = ("nothing_changes", "",
        "The amendment changes nothing.", "Change a value.")
    NOT_AMENDABLE = ("not_amendable", "the fixed field",
        "The field cannot change while the order runs.", "Change only those in `limit`.")
    QUANTITY_BELOW_EXECUTED = ("quantity_below_executed", "quantity",
        "Part of the quantity is filled, or may still be.", "Ask for at least `limit`.")
    NOTHING_TO_SHIFT = ("nothing_to_shift", "mode",
        "The order has no schedule to shift.", "Resume with `catch_up`.")

    # Reconciliation
    CHILD_NOT_UNKNOWN = ("child_not_unknown", "child",
        "The child's outcome is known by now.", "Read the child again.")
    CHILD_MAY_ARRIVE = ("child_may_arrive", "child",
        "The request for the child may still arrive.", "Wait until `limit`.")
    CHILD_IS_KNOWN = ("child_is_known", "child",
        "The exchange has shown the child.", "Wait for reconciliation.")
    CHILD_NEVER_SHOWN = ("child_never_shown", "child",
        "The exchange has never shown the child.", "Mark it as absent instead.")
    CHILD_MISSES_TRADES = ("child_misses_trades", "child",
        "The exchange has told of more fills, `limit`, than the desk has trades, `value`.", "Wait for its trades.")

    # Halts
    HALT_SUBJECT_UNKNOWN = ("halt_subject_unknown", "subject",
        "The desk has no such account, trader or symbol.", "Check the name.")
    HALT_UNFINISHED = ("halt_unfinished", "",
        "The halt is still pausing orders.", "Lift it once its sweep has ended.")

    # Limits
    LIMIT_SUBJECT_UNKNOWN = ("limit_subject_unknown", "subject",
        "The desk has no such account, trader or symbol.", "Check the name.")
    LIMIT_NOT_IN_FORCE = ("limit_not_in_force", "",
        "The limit was changed or ended already.", "Read the limits again.")
    LIMITS_OUT_OF_ORDER = ("limits_out_of_order", "value",
        "A soft limit must be below the one for approval, and that below the hard one.", "Stay within `limit`.")

    # Alerts
    ALERT_ENDED = ("alert_ended", "",
        "The alert has ended by itself.", "Read the alert again.")
    CHANNEL_LABEL_TAKEN = ("channel_label_taken", "label",
        "There is a channel with this label.", "Choose another label.")
    ALERT_KEY_MISSING = ("alert_key_missing", "",
        "No process can send alerts yet.", "Start the desk, or run `manage.py install`.")
    ADDRESS_REFUSED = ("address_refused", "url, host",
        "Nothing may be sent to this address.", "Use https, and have the operator allow the host.")

    # Accounts
    INSTALLATION_MISSING = ("installation_missing", "",
        "The database has no installation.", "Start the desk once.")
    ENVIRONMENT_MISMATCH = ("environment_mismatch", "environment",
        "The environment is not the installation's.", "Use the one in `limit`.")
    LABEL_TAKEN = ("label_taken", "label",
        "There is an account with this label.", "Choose another label.")
    VENUE_FIXED = ("venue_fixed", "label, exchange, options",
        "An existing account or venue cannot change this.", "Use another label or venue.")
    EXCHANGE_UNSUPPORTED = ("exchange_unsupported", "exchange",
        "The desk cannot trade at this exchange.", "Choose another exchange.")
    OPTIONS_UNUSABLE = ("options_unusable", "options",
        "The options cannot be used here.", "Correct them as the message says.")
    NOT_A_TRADER = ("not_a_trader", "traders",
        "The person is unknown, inactive or no trader.", "Name active traders.")
    SYMBOL_IN_USE = ("symbol_in_use", "symbols",
        "Live orders trade the symbol on this account.", "Wait until they have ended.")
    ACCOUNT_CLOSED = ("account_closed", "",
        "The account is closed.", "Open it first.")
    KEY_NOT_USABLE = ("key_not_usable", "state",
        "The key's state does not allow this.", "Use a key in one of the states in `limit`.")
    WORKER_RUNNING = ("worker_running", "",
        "A worker is running.", "Stop every worker on every host.")

    # Files on the command line
    FILE_UNREADABLE = ("file_unreadable", "candles",
        "The file cannot be read.", "Check the file.")
    CANDLES_TOO_FEW = ("candles_too_few", "candles, hours",
        "The candles do not cover the time that is needed.", "Use a longer file.")
    BOOK_CROSSED = ("book_crossed", "the venue",
        "The best bid is not below the best ask.", "Correct the book.")
    BOOK_UNSORTED = ("book_unsorted", "bids, asks",
        "The levels of the book are not sorted from the best.", "Sort them.")
    # fmt: on


#: The codes of pydantic's errors; any other is a value that cannot be read.
_OF_PYDANTIC: Mapping[str, Code] = {
    "missing": Code.VALUE_MISSING,
    "extra_forbidden": Code.FIELD_UNKNOWN,
    "enum": Code.VALUE_NOT_ALLOWED,
    "literal_error": Code.VALUE_NOT_ALLOWED,
    **dict.fromkeys(
        ("greater_than", "greater_than_equal", "less_than", "less_than_equal"), Code.VALUE_OUT_OF_RANGE
    ),
    **dict.fromkeys(
        ("string_too_long", "string_too_short", "too_long", "too_short"), Code.LENGTH_OUT_OF_RANGE
    ),
}


def pydantic_code(kind: str) -> Code:
    """Return the code of pydantic's error of this ``type``."""
    if kind.endswith("_type"):
        return Code.VALUE_WRONG_TYPE
    return _OF_PYDANTIC.get(kind, Code.VALUE_MALFORMED)
